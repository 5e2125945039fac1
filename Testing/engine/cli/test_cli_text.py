"""What the command line prints of text from outside, of series, and of itself."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from rich.console import Console
from rich.table import Table
from rich.text import Text

from helpers_cli import run
from helpers_dicom import as_image, datasets, torso
from helpers_record import examined, with_scan
from ldct_bmd import __version__
from ldct_bmd.calibration import BMDError
from ldct_bmd.calibration.match import CalibrationChoice
from ldct_bmd.cli.table import print_result, print_series
from ldct_bmd.cli.terminal import count_bar, exit_codes, messages, output, print_defect, say
from ldct_bmd.examination import Examination
from ldct_bmd.ground.text import visible
from ldct_bmd.scan import ChoiceReason, OtherSeries, SeriesChoice, SeriesSummary
from ldct_bmd.words import ENGLISH, LANGUAGES, current_language, speaking, told

WIDTH = 120


def printed(record: Examination, folder: Path = Path("out")) -> str:
    console = Console(width=WIDTH, force_terminal=True, color_system=None)
    with console.capture() as capture:
        print_result(console, record, folder)
    return capture.get()


def test_text_from_the_scan_can_neither_steer_the_terminal_nor_style_it() -> None:
    record = examined()
    evil = "\x1b]0;owned\x07 [bold red]not bold[/] \x9b31m \u202egnp.exe"
    told = printed(with_scan(record, series_description=evil))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(told)
    assert "[bold red]not bold[/]" in told


def test_series_text_is_printed_literally() -> None:
    console = Console(width=200, force_terminal=True, color_system=None)
    summary = SeriesSummary("1.2.3", "[red]chest\x1b[2J", "CT", 200, 1.0, 200.0, "B30f[/]", "P", "a \x07 localizer")
    with console.capture() as capture:
        print_series(console, [summary])
    assert "[red]chest" in capture.get()
    assert "B30f[/]" in capture.get()
    assert not {"\x1b", "\x07"} & set(capture.get())


def test_what_was_counted_is_over_when_the_next_is(capsys: pytest.CaptureFixture[str]) -> None:
    with count_bar() as bar:
        bar("Looking at files", 466, None)
        bar("Measuring", 1, 4)
        bar("Measuring", 3, 4)
    told = capsys.readouterr().err
    assert "466/466" in told
    assert "3/4" in told


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x07", "\x9b31m", "\u202e", "\x7f"])
def test_nothing_that_is_printed_can_steer_the_terminal_wherever_it_comes_from(
    evil: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table(f"head{evil}")
    table.add_row(f"cell{evil}")
    table.add_row(Text(f"text{evil}"))
    for made in (table, Text(f"line{evil}\nnext"), f"string{evil}"):
        output().print(made)
        messages().print(made)
    printed_out, printed_err = capsys.readouterr()
    for shown in (printed_out, printed_err):
        assert evil[0] not in shown
        assert "cell" in shown
        assert "line" in shown
        assert "next" in shown.splitlines()


def test_the_traceback_of_a_defect_can_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError("PatientName is Doe\x1b]0;owned\x07\nsecond line")
    except RuntimeError as error:
        print_defect(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err
    assert not {"\x1b", "\x07"} & set(shown)
    assert shown.startswith("Traceback")
    assert "second line" in shown.splitlines()


def test_plain_text_keeps_letters_of_all_scripts() -> None:
    assert visible("Müller 山田 Ω°³") == "Müller 山田 Ω°³"


def test_the_other_series_are_named_where_the_user_chose_one() -> None:
    record = examined()
    told = printed(with_scan(record, choice=SeriesChoice(ChoiceReason.NAMED, "1.2.3#2")))
    assert "Series 1.2.3#2 was named by the user." in told
    assert 'Not measured: series "sagittal" (1.2.4) with 60 slices: it is a sagittal reformat.' in told


@pytest.mark.parametrize("reason", ChoiceReason)
def test_why_a_series_was_chosen_is_told_in_each_language(reason: ChoiceReason) -> None:
    record = with_scan(examined(), choice=SeriesChoice(reason, "1.2.3", 3, 2))
    for language in LANGUAGES:
        with speaking(language):
            assert "1.2.3" in printed(record)


def test_of_another_patients_series_no_more_is_told_than_that_it_is_there() -> None:
    other = OtherSeries("", "", 80, None)
    assert "Not measured: a series of another patient with 80 slices." in printed(
        with_scan(examined(), other_series=(other,))
    )


def test_a_dicom_folder_lists_its_series(tmp_path: Path) -> None:
    for number, dataset in enumerate(datasets(as_image(torso()), series_uid="1.2.3", SeriesDescription="CHEST")):
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    result = run("series", tmp_path)
    assert result.exit_code == 0
    assert "1.2.3" in result.stdout
    assert "CHEST" in result.stdout


def test_a_volume_file_has_no_series_to_list(scan_file: Path) -> None:
    result = run("series", scan_file)
    assert result.exit_code == 0
    assert "one volume" in result.stdout


def test_the_version_is_printed() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout.strip()) == (0, f"ldct-bmd {__version__}")


def test_the_table_tells_the_standard_error_and_what_is_not_in_it() -> None:
    record = examined()
    levels = [m.level for m in record.measurements]

    def cells(told: str) -> list[str]:
        return [line.split()[2] for line in told.splitlines() if line.split()[:1] and line.split()[0] in levels]

    noise = tuple(replace(m, bmd_error=BMDError(1.24, None, None)) for m in record.measurements)
    whole = tuple(replace(m, bmd_error=BMDError(1.24, 2.0, 2.36)) for m in record.measurements)
    told = printed(replace(record, measurements=noise))
    assert cells(told) == ["1.2*"] * len(levels)
    assert "*: without the calibration's own error" in told
    told = printed(replace(record, measurements=whole))
    assert cells(told) == ["2.4"] * len(levels)
    assert "*: without the calibration's own error" not in told


def test_why_a_calibration_was_chosen_is_told() -> None:
    record = examined()
    choice = CalibrationChoice(record.calibration.identifier, True, False, told("It is the nearest of 2 that fit."))
    assert "It is the nearest of 2 that fit." in printed(replace(record, calibration_choice=choice))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("words", [("--language", "zh"), ("--language=zh",)])
def test_one_option_chooses_the_language_wherever_it_stands(place: int, words: tuple[str, ...], tmp_path: Path) -> None:
    volume = tmp_path / "scan.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((8, 8, 8), np.int16)), str(volume))
    line = ["series", volume]
    assert "输入" in run(*line[:place], *words, *line[place:]).output
    assert current_language() == ENGLISH


def test_a_language_without_texts_is_refused_for_every_command(tmp_path: Path) -> None:
    for line in (["series", tmp_path], ["calibrate", "store", "list", tmp_path], ["schema"]):
        refused = run(*line, "--language", "xx")
        assert (refused.exit_code, refused.output) == (2, "There are no texts in xx; choose en or zh.\n"), line


def test_what_follows_two_dashes_is_no_option() -> None:
    assert "There are no texts" not in run("series", "--", "--language").output


def test_a_terminal_without_the_letter_shows_the_unit_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(held, encoding="ascii"))
    with exit_codes():
        say(output(), "104.3 mg/cm\u00b3 \u00b1 2.1 \u9aa8")
    sys.stdout.flush()
    assert held.getvalue().decode() == "104.3 mg/cm3 +/- 2.1 ?\n"


@pytest.mark.parametrize(("years", "words"), [(44.0, "44 years old"), (None, "does not state the patient's age")])
def test_the_interval_and_whom_the_thresholds_are_meant_for_are_told_as_in_the_report(
    years: float | None, words: str
) -> None:
    record = examined()
    patient = replace(record.scan.patient, age_years=years)
    told = printed(replace(record, scan=replace(record.scan, patient=patient)))
    assert "mg/cm\u00b3 (95 % interval \u00b1 " in told
    assert words in " ".join(told.split())
    assert "The thresholds are meant for" not in printed(record), "a patient of 63 years"


def test_an_exposure_that_no_tube_gives_is_told_as_the_tag_has_it() -> None:
    from ldct_bmd.reporting.page.about import acquisition_words
    from ldct_bmd.words import catalogue

    made = replace(examined().scan.acquisition, tube_current_ma=40.0, exposure_mas=40000.0)
    said = acquisition_words(made, catalogue())
    assert "40 mA," in said
    assert "40000 mAs (as the tag has it, which no tube gives)" in said
