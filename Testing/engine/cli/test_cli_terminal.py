"""The terminal: 80 columns, order of rows, exit codes, help, and what reads the output."""

import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from helpers_record import examined
from helpers_report import case
from ldct_bmd.calibration.store import StoredCalibration
from ldct_bmd.cli import app
from ldct_bmd.cli.calibration_print import print_list
from ldct_bmd.cli.helping import EXAMPLES, EXIT_CODES, VARIABLES
from ldct_bmd.cli.table import print_result, print_series, print_worklist
from ldct_bmd.corrections import exclude_level
from ldct_bmd.ground.lock import locked
from ldct_bmd.scan import SeriesSummary
from ldct_bmd.worklist import ordered, row_of
from places import ROOT

SOURCES = (ROOT / "LDCTBoneDensity", ROOT / "Lab")
LONGEST_UID = "1." + "2" * 62


def run(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def narrow() -> Console:
    return Console(width=80, force_terminal=True, color_system=None, highlight=False)


def test_a_series_is_a_block_of_80_columns_with_its_uid_whole() -> None:
    console = narrow()
    summary = SeriesSummary(LONGEST_UID, "CHEST LOW DOSE " * 9, "CT", 512, 1.0, 512.0, "B30f", "P", "a reason " * 20)
    with console.capture() as capture:
        print_series(console, [summary, replace(summary, series_uid="1.2.3", unsuitable=None)])
    lines = capture.get().splitlines()
    assert lines[0].strip() == LONGEST_UID
    assert max(map(len, lines)) <= 80
    assert "512" in capture.get()
    assert "can be measured" in capture.get()


def test_the_rows_of_a_result_go_from_head_to_foot_and_fit_80_columns() -> None:
    record = examined()
    wanted = ("T12", "L1", "L2")
    shuffled = replace(
        record,
        measurements=tuple(reversed(record.measurements)),
        quality=replace(record.quality, requested_levels=("L3", *wanted), vois=tuple(reversed(record.quality.vois))),
    )
    console = narrow()
    with console.capture() as capture:
        print_result(console, shuffled, Path("out"))
    rows = [
        line.split()[0].rstrip("?") for line in capture.get().splitlines() if line.startswith("  ") and line.split()
    ]
    assert [row for row in rows if row in (*wanted, "L3")] == [*wanted, "L3"]


def test_codes_stand_whole_and_an_excluded_level_says_why() -> None:
    record = exclude_level(case().examination, "L2", "other", "Dr. Who", "2024-05-06T08:01:00Z", words="metal")
    console = narrow()
    with console.capture() as capture:
        print_result(console, record, Path("out"))
    told = capture.get()
    for finding in record.findings:
        assert f"[{finding.code.value}]" in told
    assert re.search(r"L2: .*metal", told)


def test_the_example_of_a_stores_list_fits_80_columns() -> None:
    calibration = case().examination.calibration
    console = narrow()
    with console.capture() as capture:
        print_list(console, [StoredCalibration(calibration, "2024-01-01T00:00:00Z", "A. Physicist")])
    assert calibration.identifier in capture.get()
    assert max(map(len, capture.get().splitlines())) <= 80


def test_a_worklist_is_a_block_a_row_of_80_columns() -> None:
    console = narrow()
    row = row_of(case().examination, "results/P-17")
    with console.capture() as capture:
        print_worklist(console, ordered([row]), 0)
    told = capture.get()
    assert max(map(len, told.splitlines())) <= 80
    assert all(one in told for one in ("P-17", "results/P-17", "100.0"))


def test_a_row_without_a_category_says_why() -> None:
    row = row_of(case().examination, "results/P-17")
    facts = replace(row.facts, category=None, limited=("no_lumbar_level", "nominal_calibration", "of_a_later_version"))
    console = narrow()
    with console.capture() as capture:
        print_worklist(console, ordered([replace(row, facts=facts)]), 0)
    assert "why: No category because neither L1 nor L2 could be used." in capture.get()


def test_what_is_written_to_by_another_is_exit_4(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    folder.mkdir()
    with locked(folder):
        done = run("measure", case().folder, "-o", folder)
    assert done.exit_code == 4, done.output


def test_every_command_has_its_exit_codes_below_its_help() -> None:
    for command in app.registered_commands:
        if not command.hidden:
            assert command.epilog is not None
            assert all(f"{code} {meaning}" in command.epilog for code, meaning in EXIT_CODES.items())


def test_each_example_stands_below_the_command_that_it_shows() -> None:
    for name, examples in EXAMPLES.items():
        assert examples[0].startswith(f"ldct-bmd {name}")
        told = run(*name.split(), "--help").output
        assert " ".join(examples[0].split()[:4]) in " ".join(told.split())
    assert "calibrate" not in run("phantom", "--help").output


@pytest.mark.parametrize("example", [one for examples in EXAMPLES.values() for one in examples])
def test_an_example_names_commands_and_options_that_there_are(example: str) -> None:
    words = shlex.split(example.partition(" > ")[0])[1:]
    path = words[:2] if words[0] == "calibrate" else words[:1]
    done = run(*path, "--help")
    assert done.exit_code == 0
    for option in (word for word in words if word.startswith("-")):
        assert option in done.output


def test_every_variable_of_the_environment_is_in_the_help() -> None:
    found = {
        name
        for source in SOURCES
        for path in source.rglob("*.py")
        for name in re.findall(r"LDCT_BMD_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8"))
    }
    assert found == set(VARIABLES)
    page = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in VARIABLES)
    help_text = run("--help").output
    assert all(name in help_text for name in VARIABLES)


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ldct_bmd", "series", str(case().folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), told) == (141, b"")


def test_no_character_is_more_than_the_terminal_can_show() -> None:
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": ":".join(sys.path)}
    for arguments in (["--help"], ["--language", "zh", "series", "/no/such/scan"]):
        done = subprocess.run(
            [sys.executable, "-m", "ldct_bmd", *arguments], capture_output=True, env=environment, check=False
        )
        assert b"Traceback" not in done.stderr
        (done.stdout + done.stderr).decode("ascii")
