"""Contrast agent that was taken off, wherever a record of it is shown, kept, corrected or signed."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from rich.console import Console
from typer.testing import CliRunner

from helpers_record import READER, SITE, TIME, column_scan, examined
from ldct_bmd.calibration import FitQuality
from ldct_bmd.calibration.contrast import contrast_shift
from ldct_bmd.calibration.tissue import TissueHU
from ldct_bmd.calibration.vessel import VesselDisc
from ldct_bmd.cli import app
from ldct_bmd.cli.table import print_result
from ldct_bmd.column import shift_names
from ldct_bmd.corrections import change_calibration, change_rules, move_voi, numbers_at, reset_voi
from ldct_bmd.examination import Examination, is_intact, sign
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.deidentify import deidentified
from ldct_bmd.reporting.drawing import draw_vessel
from ldct_bmd.reporting.fhir import fhir_json
from ldct_bmd.reporting.page.about import calibration_facts
from ldct_bmd.reporting.tables import patient_row
from ldct_bmd.rules import ACR, HULimit
from ldct_bmd.verdicts import admit_contrast, deny_contrast
from ldct_bmd.words import catalogue, speaking

BY = {"reader": READER, "time": TIME}
AORTA = tuple(VesselDisc((18.0, -34.0, 12.0 * n), 6.0, 130.0) for n in (2, 1, 0))
TISSUE = TissueHU(-1000.0, -105.0, 55.0, 130.0, AORTA)


def enhanced(slope: float = SITE.slope, vessel_hu: float = 130.0) -> Examination:
    """The record of the usual scan, with a bright aorta that no tag explains."""
    tissue = replace(TISSUE, vessel_hu=vessel_hu, vessel=tuple(replace(one, mean_hu=vessel_hu) for one in AORTA))
    record = examined()
    seen = replace(
        record, quality=replace(record.quality, tissue=tissue), contrast=contrast_shift(tissue, False, "120")
    )
    return change_calibration(seen, replace(SITE, slope=slope), **BY)


@pytest.fixture(scope="module")
def record() -> Examination:
    return enhanced()


def test_what_contrast_agent_adds_is_off_every_bmd_and_in_its_error(record) -> None:
    native = examined()
    for before, after in zip(native.measurements, record.measurements, strict=True):
        assert after.mean_hu == before.mean_hu
        assert after.bmd_mg_cm3 == pytest.approx(before.bmd_mg_cm3 - SITE.slope * record.contrast.shift_hu)
        assert after.bmd_error.contrast_mg_cm3 == SITE.slope * record.contrast.sd_hu
    assert record.assessment.mean_bmd_error.contrast_mg_cm3 == SITE.slope * record.contrast.sd_hu
    assert record.assessment.limited == ("blood_enhanced",)
    assert record.assessment.category is not None


def test_the_total_error_holds_it(record) -> None:
    fit = FitQuality(0.004, 0.9, -0.0019, 2.0, 0.9995, 5)
    totals = [
        change_calibration(one, replace(SITE, fit=fit), **BY).assessment.mean_bmd_error.total_mg_cm3
        for one in (examined(), record)
    ]
    assert totals[1] > SITE.slope * record.contrast.sd_hu > 2.0 * totals[0]


def test_too_uncertain_a_correction_leaves_the_bmd_but_no_category() -> None:
    far = enhanced(vessel_hu=200.0)
    assert far.assessment.category is None
    assert far.assessment.limited == ("blood_enhanced", "contrast_uncertain")
    assert "what contrast agent adds to BMD is too uncertain" in far.assessment.statement
    assert far.assessment.mean_bmd_mg_cm3 < examined().assessment.mean_bmd_mg_cm3 - 10.0


def test_a_readers_corrections_keep_taking_it_off(record) -> None:
    scan, l1 = column_scan(), record.measurement("L1")
    x, y, z = l1.voi.center_lps_mm
    moved_voi = replace(l1.voi, center_lps_mm=(x + 1.0, y, z))
    shown = numbers_at(record, scan, "L1", moved_voi)
    moved = move_voi(record, scan, "L1", moved_voi, body=None, **BY)
    assert moved.measurement("L1").bmd_mg_cm3 == shown.bmd_mg_cm3 == record.line.bmd_mg_cm3(shown.mean_hu)
    assert reset_voi(moved, "L1", **BY).measurement("L1").bmd_mg_cm3 == pytest.approx(l1.bmd_mg_cm3)
    assert moved.contrast == record.contrast


def test_a_reader_who_finds_no_contrast_agent_has_nothing_taken_off(record) -> None:
    denied = deny_contrast(record, **BY)
    assert denied.contrast is None
    native = examined()
    for was, now in zip(native.measurements, denied.measurements, strict=True):
        assert now.bmd_mg_cm3 == pytest.approx(was.bmd_mg_cm3)
        assert now.bmd_error.contrast_mg_cm3 is None
    assert denied.assessment.limited == native.assessment.limited == ()
    assert [finding.code.value for finding in denied.findings] == ["contrast_denied", "other_series"]
    assert denied.history[-1].what == "contrast_denied"
    assert denied.automatic == record.automatic
    assert Examination.from_json(denied.to_json()) == denied
    assert is_intact(sign(denied, READER, TIME))


def test_what_was_taken_off_before_is_taken_off_again(record) -> None:
    again = admit_contrast(deny_contrast(record, **BY), **BY)
    assert (again.contrast, again.assessment) == (record.contrast, record.assessment)
    assert again.measurements == record.measurements
    assert again.quality == record.quality


def test_a_vois_move_keeps_the_readers_word(record) -> None:
    denied, l1 = deny_contrast(record, **BY), record.measurement("L1")
    x, y, z = l1.voi.center_lps_mm
    moved = move_voi(denied, column_scan(), "L1", replace(l1.voi, center_lps_mm=(x + 1.0, y, z)), body=None, **BY)
    assert moved.contrast is None
    measurement = moved.measurement("L1")
    assert measurement.bmd_mg_cm3 == moved.calibration.bmd_mg_cm3(measurement.mean_hu)


def test_names_shifted_off_the_list_and_back_have_the_bmd_of_the_line_as_it_is_then(record) -> None:
    """What has no name for a while is measured by the calibration and the reader's word of later."""
    off = shift_names(record, 5, **BY)
    assert off.unnamed
    denied = shift_names(deny_contrast(off, **BY), -5, **BY)
    assert [m.bmd_mg_cm3 for m in denied.measurements] == [
        pytest.approx(record.calibration.bmd_mg_cm3(m.mean_hu)) for m in record.measurements
    ]
    other = replace(SITE, slope=2.0 * SITE.slope)
    anew = shift_names(change_calibration(off, other, **BY), -5, **BY)
    assert [m.bmd_mg_cm3 for m in anew.measurements] == [
        pytest.approx(anew.line.bmd_mg_cm3(m.mean_hu)) for m in record.measurements
    ]


@pytest.mark.parametrize(
    ("tissue", "code"),
    [
        ((-975.0, -83.0, 78.0), "hu_offset"),  # shifted up: native blood looks enhanced, and muscle tells it too
        ((-972.0, -82.0, 20.0), "tissue_hu"),
    ],
)
def test_the_check_of_the_hu_scale_hears_the_readers_word(record, tissue, code) -> None:
    seen = TissueHU(*tissue, 90.0, tuple(replace(one, mean_hu=90.0) for one in AORTA))
    denied = deny_contrast(replace(record, quality=replace(record.quality, tissue=seen)), **BY)
    native = replace(examined(), quality=replace(examined().quality, tissue=replace(seen, vessel_hu=50.0)))
    native = change_calibration(native, replace(SITE, slope=1.01 * SITE.slope), **BY)
    found = {finding.code.value for finding in denied.findings} - {"contrast_denied"}
    assert found == {finding.code.value for finding in native.findings}
    assert code in found


def test_the_pictures_show_the_aorta_whatever_the_reader_says(record) -> None:
    denied = deny_contrast(record, **BY)
    assert denied.aorta == record.aorta == AORTA
    assert examined().aorta == ()
    assert "130 HU" in next(finding.message for finding in denied.findings if finding.code == "contrast_denied")


def test_only_what_was_said_can_be_denied_or_taken_back(record) -> None:
    with pytest.raises(UsageError, match="Nothing says"):
        deny_contrast(examined(), **BY)
    with pytest.raises(UsageError, match="found already"):
        deny_contrast(deny_contrast(record, **BY), **BY)
    with pytest.raises(UsageError, match="Nobody found"):
        admit_contrast(record, **BY)
    with pytest.raises(UsageError, match="signed"):
        deny_contrast(sign(record, READER, TIME), **BY)


def test_the_copy_without_names_says_that_a_reader_denied_it(record) -> None:
    copy = deidentified(deny_contrast(record, **BY))
    assert copy.quality.contrast_denied_by == "reader 1"
    assert READER not in copy.to_json()


def test_the_command_line_signs_so(record, tmp_path: Path) -> None:
    (tmp_path / "measurement.json").write_text(record.to_json())
    done = CliRunner().invoke(app, ["sign", str(tmp_path), "--reader", READER, "--no-contrast"])
    assert done.exit_code == 0, done.output
    signed = Examination.from_json((tmp_path / "measurement.json").read_text())
    assert signed.contrast is None
    assert [entry.what for entry in signed.history] == ["calibration_changed", "contrast_denied", "signed"]


def test_a_sites_limit_on_hu_is_held_against_the_hu_without_contrast_agent(record) -> None:
    l1 = record.measurement("L1").mean_hu
    limited = replace(ACR, name="site", hu_limit=HULimit("L1", l1 - record.contrast.shift_hu / 2, "audit"))
    passed = [
        "hu_below_limit" in {f.code.value for f in change_rules(one, limited, **BY).findings}
        for one in (examined(), record)
    ]
    assert passed == [False, True]


def test_the_record_comes_back_and_can_be_signed(record) -> None:
    assert Examination.from_json(record.to_json()) == record
    signed = sign(record, READER, TIME)
    assert is_intact(Examination.from_json(signed.to_json()))
    assert not is_intact(replace(signed, contrast=replace(signed.contrast, shift_hu=0.0)))


def test_a_record_of_before_is_of_a_scan_from_which_nothing_was_taken_off() -> None:
    before = examined()
    assert before.contrast is None
    assert before.line == before.calibration


@pytest.mark.parametrize(("language", "words"), [("en", "taken off for contrast agent"), ("zh", "因对比剂减去")])
def test_report_and_terminal_say_what_was_taken_off(record, language, words, tmp_path: Path) -> None:
    printed = Console(file=StringIO(), width=500)
    with speaking(language):
        facts = {fact.label: fact.value for fact in calibration_facts(record, catalogue(language))}
        print_result(printed, record, tmp_path)
    assert any(words in value for value in facts.values())
    assert words in printed.file.getvalue()
    # The equation that is shown gives the BMD that is shown.
    assert f"{abs(record.line.intercept_mg_cm3):g}" in " ".join(facts.values())


def test_tables_and_copies_hold_it_too(record) -> None:
    row = patient_row(record)
    assert row["contrast_shift_hu"] == record.contrast.shift_hu
    assert row["mean_bmd_contrast_se_mg_cm3"] == record.assessment.mean_bmd_error.contrast_mg_cm3
    assert patient_row(examined())["contrast_shift_hu"] is None
    assert deidentified(record).contrast == record.contrast
    assert f"x HU {record.line.intercept_mg_cm3:+g} mg/cm3" in fhir_json(record)


@pytest.mark.parametrize("across", [0, 1])
def test_pictures_show_where_the_aorta_was_measured_if_bmd_rests_on_it(record, across) -> None:
    drawn = []
    for one in (record, examined()):
        axes = Figure().add_subplot()
        draw_vessel(axes, one, column_scan().geometry, across)
        drawn.append([patch.center for patch in axes.patches])
    assert len(drawn[0]) == len(AORTA)
    assert [z for _, z in drawn[0]] == sorted((z for _, z in drawn[0]), reverse=True)
    assert drawn[1] == []
