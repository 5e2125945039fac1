"""The worklist of a store: what is in it, in which order, and in which files; what readers sign comes in by itself."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import parquet

from helpers_record import examined
from helpers_screening import found, outcome
from ldct_bmd.calibration.tissue import TissueHU
from ldct_bmd.examination import Examination
from ldct_bmd.examination.signing import sign
from ldct_bmd.findings import FindingCode, told_finding
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.screening.outcome import facts_of
from ldct_bmd.screening.reading import publish, store_worklist, write_list
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import Store, open_store
from ldct_bmd.worklist import Progress, Urgency, read_worklist

TIME = "2026-01-01T00:00:00Z"
BROKEN = (told_finding(FindingCode.SUSPECTED_FRACTURE, "T8", "Look at T8."),)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a routine result, one with a suspected fracture, and a scan that was refused."""
    opened = open_store(tmp_path / "store", make=True)
    opened.database.enter()
    opened.database.add([found("plain"), found("broken"), found("bad")])
    plain, broken, bad = opened.database.claim(3)
    for study, examination in ((plain, examined()), (broken, replace(examined(), findings=BROKEN))):
        task = opened.task(study)
        write(opened, task.folder, examination)
        opened.database.end([(study, outcome(folder=task.folder, facts=facts_of(examination)))])
    opened.database.end([(bad, outcome(State.REFUSED, code="scan.no_images", sentence="=There is no image."))])
    yield opened
    opened.database.leave()
    opened.database.close()


def write(store: Store, folder: str, examination: Examination) -> None:
    place = store.folder / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / "measurement.json").write_text(examination.to_json(), encoding="utf-8")


def test_the_most_urgent_is_first_and_a_refused_scan_says_why(store: Store) -> None:
    rows = store_worklist(store).rows
    assert [row.urgency for row in rows] == [Urgency.FRACTURE, Urgency.ROUTINE, Urgency.NONE]
    assert rows[0].facts.fractures_to_check == ("T8",)
    assert rows[1].facts.mean_bmd_mg_cm3 == examined().assessment.mean_bmd_mg_cm3
    assert (rows[2].facts.code, rows[2].scan, rows[2].folder) == ("scan.no_images", "/in/bad", None)


def test_what_is_measured_again_stays_on_the_list_meanwhile(store: Store) -> None:
    before = store_worklist(store).rows
    assert store.queue_again("another", "model") == 3
    assert store_worklist(store).rows == before
    assert store.database.claim(1)
    assert store_worklist(store).rows == before


def test_a_scan_in_a_folder_of_an_old_disc_is_listed(store: Store, tmp_path: Path) -> None:
    store.database.add([found("M\udcfcller")])  # bytes that are not UTF-8, as Python spells them
    (study,) = store.database.claim(1)
    store.database.end([(study, outcome(State.REFUSED, code="scan.no_images"))])
    rows = store_worklist(store)
    assert "/in/M\udcfcller" in [row.scan for row in read_worklist(publish(store, rows)).rows]
    for ending in ("csv", "parquet", "json"):
        write_list(rows, tmp_path / f"list.{ending}")
    assert "/in/M\ufffdller" in (tmp_path / "list.csv").read_text(encoding="utf-8-sig")


def test_what_a_reader_signs_is_taken_into_the_store(store: Store) -> None:
    first = store_worklist(store).rows[1]
    write(store, str(first.folder), sign(examined(), "Dr Roe", TIME))
    last = store_worklist(store).rows[-1]
    assert (last.state, last.facts.signed_by) == (Progress.SIGNED, "Dr Roe")
    assert store.database.counts()[State.SIGNED] == 1
    assert store.take_signed() == 0  # once
    write(store, str(first.folder), examined())  # unsigned again
    assert store_worklist(store).rows[1].state is Progress.MEASURED


def test_what_a_reader_signed_is_not_measured_again_by_another_version(store: Store) -> None:
    first = store_worklist(store).rows[1]
    write(store, str(first.folder), sign(examined(), "Dr Roe", TIME))
    assert store.queue_again("2", "another model") == 2
    assert store.database.counts() == {State.SIGNED: 1, State.QUEUED: 2}


def test_a_record_that_cannot_be_read_leaves_what_is_known(store: Store) -> None:
    first = store_worklist(store).rows[1]
    (store.folder / str(first.folder) / "measurement.json").write_text("{", encoding="utf-8")
    assert store_worklist(store).rows[1].facts == first.facts


def test_the_panel_finds_the_list_in_the_store(store: Store) -> None:
    worklist = store_worklist(store)
    assert publish(store, worklist) == store.folder / "worklist.json"
    assert read_worklist(store.folder) == worklist
    assert (store.folder / str(worklist.rows[0].folder) / "measurement.json").is_file()


def test_the_same_rows_stand_in_every_form(store: Store, tmp_path: Path) -> None:
    worklist = store_worklist(store)
    for ending in ("csv", "parquet", "json"):
        write_list(worklist, tmp_path / f"list.{ending}")
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    table = parquet.read_table(tmp_path / "list.parquet").to_pylist()
    rows = json.loads((tmp_path / "list.json").read_text(encoding="utf-8"))["rows"]
    urgencies = [row.urgency.value for row in worklist.rows]
    assert [row["urgency"] for row in cells] == [row["urgency"] for row in table] == urgencies
    assert [row["urgency"] for row in rows] == urgencies
    assert table[1]["mean_bmd_mg_cm3"] == float(cells[1]["mean_bmd_mg_cm3"]) == worklist.rows[1].facts.mean_bmd_mg_cm3
    assert cells[2]["reason"] == "'=There is no image."  # no spreadsheet runs it


def test_another_ending_is_told_in_a_sentence(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"list.xlsx has none of the endings .csv, .parquet or .json"):
        write_list(store_worklist(store), tmp_path / "list.xlsx")


def test_the_database_holds_no_name(store: Store) -> None:
    named = examined()
    named = replace(named, scan=replace(named.scan, patient=replace(named.scan.patient, name="Doe^Jane")))
    assert "Doe" not in json.dumps(facts_of(named))


@pytest.mark.parametrize(
    ("tissue", "denied_by", "kept"),
    [
        (TissueHU(-1000.0, -100.0, 50.0, 40.0), None, -25.0),
        (TissueHU(-1000.0, -100.0, None, 40.0), None, None),
        (TissueHU(-1000.0, -100.0, 60.0, 250.0), None, None),  # muscle takes up contrast agent
        (TissueHU(-1000.0, -100.0, 60.0, 250.0), "Dr. Reader", -20.0),
    ],
)
def test_fat_and_muscle_are_kept_of_scans_without_contrast_agent(
    tissue: TissueHU, denied_by: str | None, kept: float | None
) -> None:
    assert facts_of(examined(tissue=tissue, contrast_denied_by=denied_by))["soft_tissue_hu"] == kept
