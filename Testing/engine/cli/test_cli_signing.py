"""``sign`` with verdicts: what is open is told with the options that settle it, and all of it holds or none."""

from dataclasses import replace
from pathlib import Path

import pytest

from helpers_cli import run
from helpers_record import READER, SITE, examined
from ldct_bmd.examination import Examination, conclude, is_intact

WRONG_KVP = replace(SITE, kvp=80.0)


def crushed(examination: Examination, *levels: str) -> Examination:
    """The record with these bodies lower in front than their neighbours let expect."""
    quality = examination.quality
    heights = tuple(
        replace(one, heights=replace(one.heights, anterior_mm=0.6 * one.heights.anterior_mm))
        if one.level in levels
        else one
        for one in quality.heights
    )
    return conclude(replace(examination, quality=replace(quality, heights=heights)))


def write(examination: Examination, folder: Path) -> Path:
    path = folder / "measurement.json"
    path.write_text(examination.to_json() + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Examination:
    return Examination.from_json(path.read_text(encoding="utf-8"))


@pytest.fixture
def suspected(tmp_path: Path) -> Path:
    """The record of a scan with an L1 and a T12 that may be fractured."""
    return write(crushed(examined(), "T12", "L1"), tmp_path)


@pytest.fixture
def with_error(tmp_path: Path) -> Path:
    """The record of a scan whose calibration is for another tube voltage."""
    return write(examined(calibration=WRONG_KVP), tmp_path)


def refusal(path: Path, *options: str) -> str:
    """What ``sign`` with these options says, which signs nothing."""
    before = path.read_bytes()
    refused = run("sign", path, "--reader", READER, *options)
    assert refused.exit_code == 2, refused.output
    assert path.read_bytes() == before
    return " ".join(refused.stderr.split())


def test_an_open_suspicion_is_told_with_its_options(suspected: Path) -> None:
    said = refusal(suspected)
    assert "T12 and L1" in said
    assert "--fracture" in said
    assert "--no-fracture" in said


def test_verdicts_given_with_the_signature_are_in_the_record_that_is_signed(suspected: Path) -> None:
    done = run("sign", suspected, "--reader", READER, "--fracture", "L1=2", "--no-fracture", "T12")
    assert done.exit_code == 0, done.output
    signed = read(suspected)
    assert is_intact(signed)
    said = {one.level: (one.fractured, one.grade, one.reader) for one in signed.quality.fracture_readings}
    assert said == {"L1": (True, 2, READER), "T12": (False, None, READER)}
    assert [entry.what for entry in signed.history] == ["fracture_confirmed", "suspicion_dismissed", "signed"]
    assert signed.assessment.levels == ("L2",)
    assert signed.assessment.fractured == ("L1",)


def test_a_fracture_without_a_grade_is_confirmed(suspected: Path) -> None:
    done = run("sign", suspected, "--reader", READER, "--fracture", "L1", "--no-fracture", "T12")
    assert done.exit_code == 0, done.output
    (reading,) = [one for one in read(suspected).quality.fracture_readings if one.level == "L1"]
    assert (reading.fractured, reading.grade) == (True, None)


def test_one_verdict_of_two_signs_nothing_and_names_the_other(suspected: Path) -> None:
    said = refusal(suspected, "--no-fracture", "T12")
    assert "A fracture of L1 is suspected" in said
    assert "T12" not in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fracture", "L1=4"), "4 is not a grade"),
        (("--fracture", "L1=mild"), "mild is not a grade"),
        (("--no-fracture", "L2"), "No fracture of L2 is suspected"),
        (("--fracture", "L9"), "L9"),
    ],
)
def test_a_verdict_that_makes_no_sense_signs_nothing(suspected: Path, options: tuple[str, ...], words: str) -> None:
    assert words in refusal(suspected, "--fracture", "L1", "--no-fracture", "T12", *options)


def test_an_error_is_told_with_its_code_and_signed_once_it_is_acknowledged(with_error: Path) -> None:
    said = refusal(with_error)
    assert "80 kVp" in said
    assert "--acknowledge kvp_mismatch" in said
    assert "--acknowledge kvp_mismatch" in refusal(with_error, "--acknowledge", "implausible_bmd")
    done = run("sign", with_error, "--reader", READER, "--acknowledge", "kvp_mismatch")
    assert done.exit_code == 0, done.output
    signed = read(with_error)
    assert is_intact(signed)
    assert signed.history[-1].new["acknowledged"] == ["kvp_mismatch"]
