"""What goes wrong around a reader: somebody else, a long pause, a full disk, a request that no page sends."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers_cli import run
from helpers_web import READER, Page, held, serving
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.jobs.folder import load
from ldct_bmd.jobs.spec import Destination, ExportSpec
from ldct_bmd.reporting.output import EarlierReport, Output, Predecessor
from ldct_bmd.verdicts import confirm_fracture
from ldct_bmd.words import catalogue
from ldct_bmd_web import case as cases
from ldct_bmd_web import session as sessions
from ldct_bmd_web.export import NotDone
from ldct_bmd_web.server import Server
from ldct_bmd_web.session import Served
from ldct_bmd_web.state import error_codes


def let_go(server: Server) -> None:
    """Close the session, as the server does with one that nobody uses."""
    server.session.close()


def fails_by(failure: Exception) -> Callable[..., None]:
    """Stands in the place of an export that fails."""

    def fails(*_given: object) -> None:
        raise failure

    return fails


def refused_page(answer: tuple[int, Any]) -> bool:
    """Whether a page was told that it shows an older state."""
    return answer[0] == 422 and "another window" in answer[1]["refused"]


def test_after_a_pause_the_case_that_was_open_is_shown_again_and_not_signed(
    served_list: Callable[[int], Served],
) -> None:
    served = served_list(3)
    with serving(served) as (address, server):
        page = Page(address)
        page.load()
        page.do("open", number=2)
        let_go(server)
        assert refused_page(page.change("sign", next=True))
        assert all(held(served.path / f"case{number}").signature is None for number in range(3))
        assert page.post("rows", {"shown": "all"})[1][2]["is_current"]
        page.do("comment", comment="the third")
        assert page.change("save")[0] == 200
    assert held(served.path / "case2").comment == "the third"


def test_what_somebody_else_saved_in_a_pause_is_not_signed_unseen(served: Served) -> None:
    with serving(served) as (address, server):
        alice = Page(address)
        alice.load()
        let_go(server)
        with serving(served) as (other, _):
            bob = Page(other)
            bob.load()
            bob.do("exclude", level="L1", reason="cyst")
            assert bob.change("save")[0] == 200
        assert refused_page(alice.change("sign"))
        (row,) = [one for one in alice.state["case"]["rows"] if one["level"] == "L1"]
        assert row["used"] is False
        assert held(served.path).signature is None


def test_a_page_that_shows_another_case_is_not_obeyed(served_list: Callable[[int], Served]) -> None:
    with serving(served_list(2)) as (address, _server):
        page = Page(address)
        page.load()
        case = page.state["case"]["number"]
        page.do("next")
        assert refused_page(page.change("do", what="comment", comment="of the first", case=case))


def test_a_tab_that_shows_another_case_gets_no_slice_of_the_open_one(served_list: Callable[[int], Served]) -> None:
    with serving(served_list(2)) as (address, _server):
        one = Page(address)
        one.load()
        slice_ = {"view": "axial", "index": 50, "window": "bone", "case": one.state["case"]["number"]}
        assert one.post("slice", slice_)[0] == 200
        one.do("next")
        for what, more in (("slice", {}), ("surfaces", {"known": []}), ("along", {"level": "L1"})):
            status, said = one.post(what, {**slice_, **more})
            assert (status, said["stale"]) == (422, True), what
            assert "another window" in said["refused"]


def test_a_signature_that_no_folder_holds_is_in_no_draft(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts: list[str] = []

    def killed_here(*_given: object) -> None:
        drafts.extend(
            path.read_text(encoding="utf-8") for path in served.path.parent.glob(".*review") if path.is_file()
        )
        raise NotDone("killed")

    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        page.do("comment", comment="kept")
        monkeypatch.setattr(sessions, "exported", killed_here)
        assert page.change("sign")[0] == 422
    (draft,) = [json.loads(one)["record"] for one in drafts]
    assert (draft["comment"], draft["signature"]) == ("kept", None)


@pytest.mark.parametrize("failure", [NotDone("disk full"), OSError("disk full"), UsageError("web.nothing_open")])
def test_what_could_not_be_written_is_not_signed(
    served: Served, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        page.do("exclude", level="T12", reason="cyst")
        with monkeypatch.context() as broken:
            broken.setattr(sessions, "exported", fails_by(failure))
            assert page.change("sign")[0] in (422, 500)
        page.load()
        assert page.state["case"]["signed"] is False
        page.do("undo")  # and nothing else was lost
        page.do("redo")
    assert held(served.path).signature is None
    with serving(served) as (address, _server):
        page = Page(address)
        assert page.load()["case"]["signed"] is False
        assert page.change("sign")[0] == 200
    assert held(served.path).signature is not None


def test_a_signature_is_taken_from_the_report_too(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert page.change("sign")[0] == 200
        assert "Not signed yet" not in (served.path / "report.html").read_text(encoding="utf-8")
        page.do("unsign")
        assert held(served.path).signature is None
        assert "Not signed yet" in (served.path / "report.html").read_text(encoding="utf-8")


def test_a_signature_that_cannot_be_taken_from_the_report_stays(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert page.change("sign")[0] == 200
        before = (served.path / "measurement.json").read_bytes()
        with monkeypatch.context() as broken:
            broken.setattr(sessions, "exported", fails_by(NotDone("disk full")))
            assert page.change("do", what="unsign")[0] == 422
        assert (served.path / "measurement.json").read_bytes() == before
        assert page.load()["case"]["signed"] is True
        page.do("unsign")


@pytest.mark.parametrize("key", ["section.priors", "section.reference"])
def test_a_comparison_that_a_new_report_does_not_have_is_told(served: Served, key: str) -> None:
    report = served.path / "report.html"
    page_before = report.read_text(encoding="utf-8")
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert page.change("save")[0] == 200
        assert "no longer compares" not in page.state["note"]
        heading = f"<h2>{catalogue()(key)}</h2>"
        report.write_text(page_before.replace("</body>", f"{heading}</body>"), encoding="utf-8")
        assert page.change("save")[0] == 200
        assert "no longer compares" in page.state["note"]
        assert heading not in report.read_text(encoding="utf-8")


def test_a_comparison_is_made_again_and_one_that_is_gone_is_told_even_on_the_way_to_the_next(
    served_list: Callable[[int], Served],
) -> None:
    served = served_list(2)
    earlier, case = served.path.parent / "earlier", served.path / "case0"
    shutil.copytree(case, earlier)
    record = held(earlier)
    source = replace(record.scan.source, series_uid="1.2.3", sop_instance_uids=("1.2.3.4",))
    acquired = replace(record.scan.acquisition, acquisition_date="20220102", study_date="20220102")
    then = replace(record, scan=replace(record.scan, source=source, acquisition=acquired))
    (earlier / "measurement.json").write_text(then.to_json(), encoding="utf-8")
    assert run("report", case, "--prior", earlier).exit_code == 0
    compared = f"<h2>{catalogue()('section.priors')}</h2>"
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert page.change("save")[0] == 200
        assert compared in (case / "report.html").read_text(encoding="utf-8")
        assert "compare" not in page.state["note"]
        shutil.rmtree(earlier)
        assert page.change("sign", next=True)[0] == 200, page.state["refused"]
        assert "does not compare with the earlier examination of 2022-01-02" in page.state["note"]
        assert compared not in (case / "report.html").read_text(encoding="utf-8")


def test_a_deidentified_copy_that_loses_its_comparison_is_told(served: Served) -> None:
    copy = served.path / "deidentified"
    assert run("report", served.path, "--deidentify").exit_code == 0
    page_of_copy = copy / "report.html"
    heading = f"<h2>{catalogue()('section.priors')}</h2>"
    page_of_copy.write_text(f"<html><body>{heading}</body></html>", encoding="utf-8")
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert page.change("save")[0] == 200
        assert "de-identified copy in the folder no longer compares" in page.state["note"]


def test_the_population_that_the_server_is_told_of_stays_in_the_report(served: Served, tmp_path: Path) -> None:
    population = tmp_path / "population.json"
    groups = [{"from_years": 50, "to_years": 70, "mean_mg_cm3": 100.0, "sd_mg_cm3": 25.0}]
    values = {"schema": "ldct-bmd-reference/1", "title": "Town", "population": "women of a town", "material": "K2HPO4"}
    values |= {"levels": ["L1", "L2"], "calibration": "rods", "source": "made up", "women": groups}
    population.write_text(json.dumps(values), encoding="utf-8")
    report = served.path / "report.html"
    with serving(replace(served, reference=population)) as (address, _server):
        page = Page(address)
        page.load()
        for _ in range(2):
            assert page.change("save")[0] == 200, page.state["refused"]
            assert f"<h2>{catalogue()('section.reference')}</h2>" in report.read_text(encoding="utf-8")
            assert "no longer compares" not in page.state["note"]


def test_what_is_sent_says_which_report_it_replaces(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = EarlierReport(Predecessor("1.2", "1.2.3", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.3.4"))
    monkeypatch.setattr(cases, "earlier_in", {served.path: known}.get)
    with serving(served) as (address, server):
        Page(address).load()
        assert server.session.case is not None
        server.session.case.lay_export(tmp_path, Destination.PACS, (Output.RECORD, Output.SR))
    spec = load(tmp_path)
    assert isinstance(spec, ExportSpec)
    assert spec.earlier == known


def test_only_the_errors_that_were_shown_are_acknowledged(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert page.state["case"]["open_points"]["errors"] == error_codes(held(served.path))
        assert refused_page(page.change("sign", seen=["scan.of_another_day"]))
        assert page.change("sign", seen="all")[0] == 400
    assert held(served.path).signature is None


@pytest.mark.parametrize("grade", [True, 1.0, "1", 0, 4])
def test_a_grade_is_a_whole_number(served: Served, grade: object) -> None:
    with pytest.raises(UsageError, match="grade"):
        confirm_fracture(held(served.path), "L1", READER, "2024-05-06T07:08:09Z", grade)  # type: ignore[arg-type]
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert page.change("do", what="fracture", level="L1", grade=grade)[0] == 422


def test_a_request_that_no_page_sends_is_refused_in_a_sentence(served_list: Callable[[int], Served]) -> None:
    with serving(served_list(2)) as (address, _server):
        page = Page(address)
        page.load()
        for number in (-1, 2, True, "0", 10**30):
            status, said = page.change("do", what="open", number=number)
            assert (status, bool(said["refused"])) == (400, True), number
        for body in (
            b'{"view": "axial", "index": 1e400, "window": "bone"}',
            b'{"view": "axial", "index": NaN, "window": "bone"}',
            b"[" * 100000,
            b'{"a":' * 40000,
            b"\xff",
            b'"text"',
            b'{"what": "comment", "comment": "\\ud800"}',
        ):
            status, said = page.send("slice", body)
            assert (status, bool(said.get("refused"))) == (400, True), body[:40]
        assert page.state["worklist"]
        page.do("comment", comment="still here")
