"""The server: its numbers are the engine's, nobody else gets in, and nothing that a reader did is lost."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from helpers_web import LOGIN, READER, Page, command, held, proxied, serving, voi_of
from ldct_bmd.calibration.tissue import TissueHU
from ldct_bmd.calibration.vessel import VesselDisc
from ldct_bmd.corrections import move_voi, with_bmd_anew
from ldct_bmd.examination import bodies_in, is_intact, record_sha256
from ldct_bmd.examination.conclude import conclude, contrast_of
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.opened import open_result
from ldct_bmd_web.door import Door
from ldct_bmd_web.server import Server
from ldct_bmd_web.session import Served


def row(page: Page, level: str) -> dict[str, object]:
    return next(one for one in page.state["case"]["rows"] if one["level"] == level)


def middle(page: Page, level: str) -> dict[str, int]:
    return next(one for one in page.state["case"]["middles"] if one["level"] == level)["index"]


def rows(page: Page, shown: str) -> list[dict[str, object]]:
    status, said = page.post("rows", {"shown": shown})
    assert status == 200
    assert isinstance(said, list)
    return said


def test_a_drag_gives_the_numbers_of_the_engine_to_the_last_digit_and_keeps_them(served: Served) -> None:
    assert served.scan is not None
    opened = open_result(served.path, served.scan)
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        drag = {"level": "L1", "view": "axial", "right": 2.375, "down": -1.25, "sizes": {"short": 6.5}}
        status, shown = page.post("drag", {**drag, "at": middle(page, "L1")})
        assert status == 200
        page.do("move", **drag)
        old = voi_of(opened.examination, "L1")
        x, y, z = old.center_lps_mm
        voi = replace(old, center_lps_mm=(x + 2.375, y - 1.25, z), semi_axes_mm=(old.semi_axes_mm[0], 6.5))
        body = bodies_in(opened.column.bodies)["L1"]
        expected = move_voi(opened.examination, opened.scan, "L1", voi, READER, "2024-05-06T07:08:09Z", body)
        wanted = expected.measurement("L1")
        assert wanted is not None
        assert (shown["mean_hu"], shown["bmd_mg_cm3"]) == (wanted.mean_hu, wanted.bmd_mg_cm3)
        assert (row(page, "L1")["mean_hu"], row(page, "L1")["bmd_mg_cm3"]) == (wanted.mean_hu, wanted.bmd_mg_cm3)
        assert page.state["case"]["assessment"]["statement"] == expected.assessment.statement
        assert page.change("save")[0] == 200
    assert held(served.path).measurement("L1") == wanted
    assert held(served.path).history[0].reader == READER


def test_what_would_follow_is_told_and_not_kept(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        before = page.load()["case"]
        drag = {"level": "L1", "view": "axial", "right": 18.0, "down": 0.0}
        status, foreseen = page.post("foresee", drag)
        assert status == 200
        assert page.load()["case"] == before
        page.do("move", **drag)
        after = page.state["case"]
        assert after["assessment"] == foreseen["assessment"]
        assert after["assessment"] != before["assessment"]
        assert after["findings"] == foreseen["findings"]


def test_undo_and_redo_go_through_the_corrections(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        before = page.load()["case"]["assessment"]["statement"]
        page.do("exclude", level="L2", reason="cyst")
        excluded = page.state["case"]["assessment"]["statement"]
        assert excluded != before
        assert row(page, "L2")["used"] is False
        page.do("undo")
        assert page.state["case"]["assessment"]["statement"] == before
        page.do("redo")
        assert page.state["case"]["assessment"]["statement"] == excluded
        page.do("include", level="L2")
        assert row(page, "L2")["used"] is True


def test_the_reader_says_that_there_was_no_contrast_agent(served: Served) -> None:
    record = held(served.path)
    x, y, z = voi_of(record, "L1").center_lps_mm
    discs = tuple(VesselDisc((x + 18.0, y - 40.0, z + up), 6.0, 130.0) for up in (12.0, 0.0))
    tissue = TissueHU(None, None, None, 130.0, discs)
    bright = replace(
        record,
        quality=replace(record.quality, tissue=tissue),
        contrast=contrast_of(record.scan.acquisition, tissue),
    )
    bright = conclude(with_bmd_anew(bright))
    (served.path / "measurement.json").write_text(bright.to_json(), encoding="utf-8")
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        assert len(page.state["case"]["aorta"]) == 2
        assert page.state["case"]["column"]["deny_contrast"]
        page.do("deny_contrast")
        assert row(page, "L1")["bmd_mg_cm3"] == record.measurement("L1").bmd_mg_cm3
        assert not page.state["case"]["column"]["deny_contrast"]
        assert "130 HU" in " ".join(one["text"] for one in page.state["case"]["findings"])
        page.do("admit_contrast")
        assert row(page, "L1")["bmd_mg_cm3"] == bright.measurement("L1").bmd_mg_cm3


def test_signing_writes_the_folder_whole_and_taking_it_back_leaves_the_history(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        page.do("exclude", level="T12", reason="other", words="<b>own</b> words")
        assert page.change("sign")[0] == 200
        signed = held(served.path)
        assert signed.signature is not None
        assert signed.signature.reader == READER
        assert is_intact(signed)
        report = (served.path / "report.html").read_text(encoding="utf-8")
        assert READER in report
        assert "<b>own</b>" not in report
        refused = page.change("do", what="include", level="T12")[1]["refused"]
        assert READER in refused
        page.do("unsign")
        assert held(served.path).signature is None
        assert [entry.what for entry in held(served.path).history][-2:] == ["signed", "unsigned"]
        page.do("include", level="T12")


def test_errors_are_signed_only_when_they_were_seen_and_a_name_is_needed(served: Served) -> None:
    with serving(served, Door(reader="")) as (address, _server):
        page = Page(address)
        page.load()
        status, said = page.change("do", what="exclude", level="L1", reason="fracture")
        assert status == 422
        assert said["refused"]
        page.do("reader", reader=READER)
        page.do("exclude", level="L1", reason="fracture")
        assert page.change("sign")[0] == 200
        assert held(served.path).signature is not None


def test_a_page_that_shows_an_older_state_is_not_obeyed(served: Served) -> None:
    with serving(served) as (address, _server):
        one, other = Page(address), Page(address)
        one.load()
        other.load()
        one.do("comment", comment="first")
        status, said = other.change("do", what="comment", comment="second")
        assert status == 422
        assert "another window" in said["refused"]
        assert other.state["case"]["comment"] == "first"
        other.do("comment", comment="second")


def test_another_server_on_the_same_result_is_refused(served: Served) -> None:
    with serving(served) as (address, _), serving(served) as (other_address, _other):
        Page(address).load()
        assert Page(other_address).post("state")[0] == 422


def test_a_list_goes_from_one_to_the_next_and_signs_all(served_list: Callable[[int], Served]) -> None:
    served = served_list(3)
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        for number in range(3):
            (waiting,) = [one for one in rows(page, "to_read") if one["is_current"]]
            assert waiting["number"] == number
            page.do("comment", comment=f"case {number}")
            status, said = page.change("sign", next=True)
            assert status == 200, said["refused"]
        assert "Nothing is left" in page.state["note"]
        assert [one["cells"][-1] for one in rows(page, "all")] == ["signed"] * 3
        assert rows(page, "to_read") == []
    for number in range(3):
        record = held(served.path / f"case{number}")
        assert (record.comment, is_intact(record)) == (f"case {number}", True)
        assert record.signature is not None


def test_what_was_corrected_outlives_a_killed_server(served: Served) -> None:
    with command(served.path, "--input", served.scan, "--no-browser", "--reader", READER) as started:
        page = Page(started.address)
        page.load()
        page.do("shift", steps=1)
        page.do("shift", steps=-1)
        page.do("rename", level="T11", name=row(page, "T11")["offers"]["rename"][-1])
        page.do("move", level="L1", view="sagittal", right=1.0, down=0.5)
        kept = page.state["case"]
        started.process.kill()
        started.process.wait()
        assert not re.search(r"Doe|Jane|P-17", started.printed())
    before = record_sha256(held(served.path))
    with serving(served) as (address, _server):
        page = Page(address)
        again = page.load()["case"]
        assert "last session" in page.state["note"]
        assert again["rows"] == [{**one, "offers": again["rows"][n]["offers"]} for n, one in enumerate(kept["rows"])]
        assert record_sha256(held(served.path)) == before
        assert page.change("sign")[0] == 200
    assert held(served.path).history[-1].what == "signed"
    assert [path.name for path in served.path.parent.iterdir() if "review" in path.name] == []


def test_a_folder_that_somebody_changed_is_not_overwritten(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        page.load()
        page.do("comment", comment="mine")
        record = served.path / "measurement.json"
        changed = replace(held(served.path), comment="theirs")
        record.write_text(changed.to_json(), encoding="utf-8")
        status, said = page.change("save")
        assert status == 422
        assert "changed since" in said["refused"]
    assert held(served.path).comment == "theirs"
    with serving(served) as (address, _server):
        assert "not taken" in Page(address).load()["note"]


def test_only_who_was_let_in_gets_an_answer(served: Served) -> None:
    with serving(served) as (address, _server):
        plain = address.partition("?")[0]
        assert Page(plain).get()[0] == 403
        assert Page(plain).post("state")[0] == 403
        assert Page(plain + "?token=guess").get()[0] == 403
        page = Page(address)
        assert page.get()[0] == 200
        assert page.get(Host="evil.example")[0] == 403
        assert page.post("state", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
        assert page.post("state", **{"Content-Type": "text/plain"})[0] == 403
        page.load()
        assert page.post("slice", {"view": "../axial", "index": 0, "window": "bone"})[0] == 400
        assert page.post("drag", {"level": "L1", "view": "axial", "at": {}})[0] in (400, 422)
        assert page.get("page/../../session.py")[0] in (403, 404)


def test_it_never_listens_to_other_machines_without_a_login(served: Served) -> None:
    with pytest.raises(UsageError, match="proxy"):
        Server(served, Door(bind="0.0.0.0"))
    with pytest.raises(UsageError, match="LDCT_BMD_PROXY_SECRET"):
        Server(served, Door(bind="0.0.0.0", login_header="X-Reader"))
    Server(served, Door(bind="0.0.0.0", login_header="X-Reader", proxy_secret="s"))
    with serving(served, LOGIN) as (address, _server):
        assert "token" not in address
        assert Page(address).post("state")[0] == 403
        assert Page(address, **{"X-Reader": "Dr. Wang"}).post("state")[0] == 403
        assert proxied(address, "Dr. Wang", **{"X-LDCT-BMD-Proxy-Secret": "guess"}).post("state")[0] == 403
        assert proxied(address, " ").post("state")[0] == 403
        assert proxied(address, "Dr. Wang").load()["login"] is True


def test_behind_a_proxy_too_no_name_of_another_site_is_answered(served: Served) -> None:
    with serving(served, replace(LOGIN, hosts=("bmd.example",))) as (address, _server):
        page = proxied(address, "Dr. Wang")
        assert page.post("state", Host="evil.example")[0] == 403
        assert page.post("state", Host="bmd.example")[0] == 200


def test_a_browser_is_told_to_run_nothing_but_the_pages_own_scripts(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        for path in ("", "page/main.js", "page/style.css", "report"):
            headers = page.get(path)[1]
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe-eval" not in policy
            assert "unsafe-inline" not in policy
            assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
        page.load()
        assert page.post("report", {})[0] == 200
        status, headers, content = page.get("report")
        assert status == 200
        assert "sandbox" in headers["Content-Security-Policy"]
        assert b"P-17" in content
        assert page.post("report", {"pdf": True})[0] == 200
        assert page.get("report")[2].startswith(b"%PDF")


def test_sentences_are_in_the_language_that_the_reader_chose(served: Served) -> None:
    with serving(served) as (address, _server):
        page = Page(address)
        english = page.load()["case"]["assessment"]["statement"]
        page.do("language", language="zh")
        chinese = page.state["case"]["assessment"]["statement"]
        assert chinese != english
        assert re.search("[\u4e00-\u9fff]", chinese)
        assert "另一窗口" in page.post("do", {"what": "undo", "revision": -1})[1]["refused"]


def test_a_list_that_is_no_result_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with serving(Served(tmp_path)) as (address, _server):
        status, said = Page(address).post("state")
        assert status == 422
        assert tmp_path.name in said["refused"]
        assert json.dumps(said)
