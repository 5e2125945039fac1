"""A site's store: what it keeps, that nothing gets lost, and which calibration it gives for a scan."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from helpers_qa import SCAN, SCANNER, site_calibration
from ldct_bmd.calibration import NOMINAL, Method, Provenance, entered_calibration
from ldct_bmd.calibration.choose import choose_calibration
from ldct_bmd.calibration.files import calibration_from_dict, calibration_to_dict, export_text, load_calibrations
from ldct_bmd.calibration.store import CalibrationStore, StoredCalibration
from ldct_bmd.ground.errors import UsageError
from places import HELPERS, MODULE

NOW, WHO = "2024-05-06T07:08:09+00:00", "A. Physicist"


@pytest.fixture
def store(tmp_path: Path) -> CalibrationStore:
    return CalibrationStore(tmp_path / "site.calibrations")


def days(*numbers: int):
    return [site_calibration(f"2024-05-{number:02d}", slope=0.74 + 0.001 * number) for number in numbers]


def test_a_calibration_comes_back_as_it_was(store):
    one = site_calibration()
    assert store.add([one], NOW, WHO) == [one]
    (stored,) = store.all()
    assert stored.calibration == one
    assert stored.calibration.identifier == one.identifier
    assert (stored.added, stored.added_by, stored.retired) == (NOW, WHO, None)


def test_the_same_calibration_is_kept_once(store):
    store.add([site_calibration()], NOW, WHO)
    assert store.add([site_calibration()], NOW, "Somebody else") == []
    assert len(store.all()) == 1


def test_any_difference_makes_another_identifier():
    one = site_calibration()
    others = (
        replace(one, slope=one.slope + 1e-12),
        replace(one, source="other"),
        replace(one, provenance=replace(one.provenance, operator="Other")),
        replace(one, fit=None),
    )
    assert len({one.identifier, *(other.identifier for other in others)}) == 5


def test_an_identifier_may_be_shortened_but_not_be_ambiguous(store):
    first, second = days(1, 2)
    store.add([first, second], NOW, WHO)
    assert store.get(first.identifier[:6]).calibration == first
    with pytest.raises(UsageError, match="at least the first 4"):
        store.get("a")
    with pytest.raises(UsageError, match="no calibration"):
        store.get("zzzzzz")


def test_a_retired_calibration_stays_and_says_why(store):
    (one,) = days(1)
    store.add([one], NOW, WHO)
    retired = store.retire(one.identifier, "tube was replaced", NOW, WHO)
    assert (retired.retired_because, retired.retired_by) == ("tube was replaced", WHO)
    assert store.all() == [retired]
    with pytest.raises(UsageError, match="retired already"):
        store.retire(one.identifier, "again", NOW, WHO)
    with pytest.raises(UsageError, match="Say why"):
        store.retire(one.identifier, " ", NOW, WHO)


@pytest.mark.parametrize(
    ("calibration", "told"),
    [
        (NOMINAL, "nominal"),
        (entered_calibration(0.8, 0, "K2HPO4", 120), "scanner"),
        (site_calibration(scanner=replace(SCANNER, serial=None, station=None)), "scanner"),
        (replace(site_calibration(), kvp=None), "tube voltage"),
        (site_calibration(day=None), "date"),
        (site_calibration(kernel_class=None), "kernel class"),
        (site_calibration(operator=" "), "operator"),
    ],
)
def test_what_could_never_be_chosen_is_not_kept(store, calibration, told):
    with pytest.raises(UsageError, match=told):
        store.add([site_calibration("2024-01-01"), calibration], NOW, WHO)
    with pytest.raises(UsageError, match="no calibration store"):
        store.all()  # all or none: the good one is not there either


def test_a_store_that_is_not_there_is_not_made_by_looking(store, tmp_path):
    with pytest.raises(UsageError, match="There is no calibration store"):
        store.all()
    assert list(tmp_path.iterdir()) == []


def test_another_database_or_any_other_file_stays_untouched(tmp_path):
    database = tmp_path / "other.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE patients (name TEXT)")
    connection.close()
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all, but a text of some length\n" * 40)
    for path in (database, text):
        before = path.read_bytes()
        with pytest.raises(UsageError, match=r"no calibration store|can't be used"):
            CalibrationStore(path).add(days(1), NOW, WHO)
        assert path.read_bytes() == before


def test_a_store_of_a_later_version_is_refused(store, tmp_path):
    store.add(days(1), NOW, WHO)
    with sqlite3.connect(tmp_path / "site.calibrations") as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(UsageError, match="version 9"):
        store.all()


def test_what_is_exported_can_be_imported(store, tmp_path):
    kept = days(1, 2, 3)
    path = tmp_path / "out.json"
    path.write_text(export_text(kept))
    assert load_calibrations(path) == kept
    single = tmp_path / "one.json"
    single.write_text(json.dumps(calibration_to_dict(kept[0])))
    assert load_calibrations(single) == kept[:1]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda v: v["provenance"].update(method="guessed"), "method"),
        (lambda v: v["provenance"].update(date="06/05/2024"), "not a date"),
        (lambda v: v["provenance"].update(valid_until="2024-01-01"), "before it"),
        (lambda v: v["provenance"].update(extra=1), "unknown key"),
        (lambda v: v["provenance"]["scanner"].update(model=3), "model must be text"),
        (lambda v: v["fit"].pop("points"), "lacks points"),
        (lambda v: v["fit"].update(slope_se="x"), "must be a number"),
        (lambda v: v.update(fit=[1]), "must be an object"),
    ],
)
def test_a_spoilt_calibration_is_refused(spoil, told):
    values = json.loads(json.dumps(calibration_to_dict(site_calibration())))
    spoil(values)
    with pytest.raises(UsageError, match=told):
        calibration_from_dict(values, "")


WRITER = """
import sys; sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from helpers_qa import site_calibration
from ldct_bmd.calibration.store import CalibrationStore, StoredCalibration
store, name, count = CalibrationStore(Path(sys.argv[3])), sys.argv[4], int(sys.argv[5])
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    store.add([site_calibration(operator=f"{name} {number}")], "2024-05-06T00:00:00+00:00", name)
    print(number, flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that waits for a line and then adds so many calibrations one by one, telling each that is in."""
    arguments = [sys.executable, "-c", WRITER, str(MODULE), str(HELPERS), str(path), name, str(count)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_that_write_at_once_lose_nothing(store, tmp_path):
    processes = [writer(tmp_path / "site.calibrations", name, 25) for name in ("one", "two")]
    for process in processes:
        go(process)
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    operators = {one.calibration.provenance.operator for one in store.all()}
    assert operators == {f"{name} {number}" for name in ("one", "two") for number in range(25)}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no kill that can't be caught")
@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_writer_that_is_killed_leaves_all_it_had_told_and_a_sound_file(store, tmp_path, after):
    process = writer(tmp_path / "site.calibrations", "killed", 100_000)
    go(process)
    told = [process.stdout.readline() for _ in range(after)]
    time.sleep(0.003 * after)
    os.kill(process.pid, signal.SIGKILL)
    told += process.stdout.readlines()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    kept = [one.calibration.provenance.operator for one in store.all()]
    assert kept[: len(told)] == [f"killed {number}" for number in range(len(told))]
    assert len(kept) <= len(told) + 1  # one may be in that was not told yet
    store.add([site_calibration("2024-05-07")], NOW, WHO)
    assert len(store.all()) == len(kept) + 1
    with sqlite3.connect(tmp_path / "site.calibrations") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_half_written_transaction_is_rolled_back(store, tmp_path):
    store.add(days(1), NOW, WHO)
    first, second = days(2, 3)
    broken = replace(second, source="x" * 10)
    object.__setattr__(broken.fit, "r_squared", float("nan"))  # JSON has no word for it: fails within the transaction
    with pytest.raises(ValueError, match="JSON"):
        store.add([first, broken], NOW, WHO)
    assert len(store.all()) == 1


def chosen(store, calibrations, scan=SCAN, **options):
    store.add(calibrations, NOW, WHO)
    return choose_calibration(store.all(), scan, **options)


def test_the_nearest_before_the_scan_is_chosen_and_says_why(store):
    first, nearest, later = days(1, 15, 22)
    calibration, choice = chosen(store, [later, first, nearest])
    assert calibration == nearest
    assert choice.matched
    assert choice.identifier == nearest.identifier
    assert "5 days before the scan" in str(choice.reason)
    assert "same scanner at 120 kVp" in str(choice.reason)


def test_one_of_the_scans_own_day_is_before_it(store):
    assert chosen(store, days(19, 20))[0].provenance.date == "2024-05-20"


def test_of_two_of_one_day_the_one_added_last_is_taken_and_a_contradiction_told(store):
    first = site_calibration("2024-05-19", slope=0.70)
    second = site_calibration("2024-05-19", slope=0.80)
    for early, late in ((first, second), (second, first)):
        stored = [
            StoredCalibration(late, "2024-05-19T12:00:00+02:00", WHO),  # 10:00 UTC
            StoredCalibration(early, "2024-05-19T09:30:00Z", WHO),
        ]
        calibration, choice = choose_calibration(stored, SCAN)
        assert calibration == late
        assert "the one that was added last of 2 of that day" in str(choice.reason)
        assert re.search(
            r"differ by up to 1\d\.\d mg/cm³ at 100 mg/cm³, more than their stated errors", str(choice.reason)
        )


def test_two_of_one_day_within_their_errors_are_no_contradiction(store):
    first = site_calibration("2024-05-19", slope=0.74)
    second = replace(first, source="again")
    calibration, choice = chosen(store, [first, second])
    assert calibration == second
    assert "added last" in str(choice.reason)
    assert "stated errors" not in str(choice.reason)


def test_a_later_one_is_taken_only_when_told_to(store):
    (later,) = days(22)
    calibration, choice = chosen(store, [later])
    assert (calibration, choice.matched) == (NOMINAL, False)
    assert "after the scan" in str(choice.reason)
    calibration, choice = chosen(store, [], allow_later=True)
    assert (calibration, choice.later) == (later, True)
    earlier = site_calibration("2024-01-02")
    assert chosen(store, [earlier], allow_later=True)[0] == earlier


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"scanner": replace(SCANNER, serial="4712")}, "serial number 4712"),
        ({"scanner": replace(SCANNER, model="CT 2")}, "model CT 2"),
        ({"scanner": replace(SCANNER, manufacturer="Other")}, "manufacturer Other"),
        ({"scanner": replace(SCANNER, serial=None, station="ELSEWHERE")}, "station ELSEWHERE"),
        ({"kvp": 115.0}, "115 kVp, the scan at 120 kVp"),
        ({"filter_type": "FLAT"}, "beam filter is FLAT"),
        ({"kernel_class": "sharp"}, "kernel class is sharp"),
        ({"valid_until": "2024-05-19"}, "valid until 2024-05-19"),
    ],
)
def test_one_made_otherwise_is_never_chosen_and_the_reason_is_told(store, made, told):
    calibration, choice = chosen(store, [site_calibration(**made)])
    assert calibration == NOMINAL
    assert not choice.matched
    assert told in str(choice.reason)


@pytest.mark.parametrize(
    "scan",
    [
        replace(SCAN, scan_date=None),
        replace(SCAN, scan_date="2024"),
        replace(SCAN, kvp=None),
        replace(SCAN, kernel=None),
        replace(SCAN, scanner=replace(SCANNER, serial=None, station=None)),
    ],
)
def test_a_scan_that_does_not_say_how_it_was_made_gets_none(store, scan):
    assert chosen(store, days(15), scan)[0] == NOMINAL


def test_a_station_that_was_renamed_is_the_same_scanner_by_its_serial_number(store):
    renamed = replace(SCAN, scanner=replace(SCANNER, station="NEW-NAME"))
    assert chosen(store, days(15), renamed)[1].matched


def test_a_retired_one_is_never_chosen(store):
    first, second = days(1, 15)
    store.add([first, second], NOW, WHO)
    store.retire(second.identifier, "the pad was upside down", NOW, WHO)
    assert choose_calibration(store.all(), SCAN)[0] == first
    store.retire(first.identifier, "too", NOW, WHO)
    _, choice = choose_calibration(store.all(), SCAN)
    assert "the pad was upside down" in str(choice.reason)


def test_k2hpo4_comes_before_a_nearer_hydroxyapatite(store):
    (k2hpo4,) = days(1)
    nearer = replace(site_calibration("2024-05-19"), material="hydroxyapatite")
    assert chosen(store, [k2hpo4, nearer])[0] == k2hpo4


def test_an_empty_choice_says_that_the_store_is_empty():
    assert "empty" in str(choose_calibration([], SCAN)[1].reason)


def test_provenance_that_ends_before_it_begins_is_refused():
    with pytest.raises(UsageError, match="before it"):
        Provenance(Method.PHANTOM, date="2024-05-06", valid_until="2024-05-05")


@pytest.mark.parametrize(
    ("column", "value"),
    [("content", "{"), ("content", b"\xff"), ("content", "[" * 100_000), ("content", "{}")],
)
def test_a_damaged_row_is_told_in_a_sentence(store, tmp_path: Path, column: str, value: object) -> None:
    store.add([site_calibration()], NOW, WHO)
    with sqlite3.connect(tmp_path / "site.calibrations") as database:
        database.execute(f"UPDATE calibrations SET {column} = ?", (value,))
    with pytest.raises(UsageError, match="damaged"):
        store.all()
