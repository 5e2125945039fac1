"""A reader's corrections: the numbers follow, what was automatic stays, and the history tells who did what."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_record import READER, SITE, TIME, body_mask, column_scan, examined
from ldct_bmd.calibration import NOMINAL, Calibration
from ldct_bmd.column import confirm_names, rename_level, shift_names
from ldct_bmd.corrections import (
    add_voi,
    change_calibration,
    edit_body,
    exclude_level,
    include_level,
    move_voi,
    reset_voi,
)
from ldct_bmd.examination import BodyMask, Examination, Exclusion, ExclusionReason
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.scan import CTScan, Source
from ldct_bmd.voi import CylinderVOI
from ldct_bmd.words import told

BY = {"reader": READER, "time": TIME}


@pytest.fixture(scope="module")
def scan() -> CTScan:
    return column_scan()


@pytest.fixture(scope="module")
def record(scan: CTScan) -> Examination:
    return examined(scan)


def moved(voi: CylinderVOI, x=0.0, y=0.0, z=0.0) -> CylinderVOI:
    return replace(voi, center_lps_mm=tuple(np.add(voi.center_lps_mm, [x, y, z]).tolist()))


def levels(record: Examination) -> list[str]:
    return [measurement.level for measurement in record.measurements]


def codes(record: Examination, level: str | None = None) -> set[str]:
    return {finding.code.value for finding in record.findings if finding.level == level}


def test_moving_a_voi_measures_again_and_everything_follows(record, scan):
    before = record.measurement("L1")
    after = move_voi(record, scan, "L1", moved(before.voi, z=-10.0), **BY, body=body_mask("L1"))
    now = after.measurement("L1")
    # Part of the VOI now holds soft tissue of 40 HU.
    assert now.mean_hu < before.mean_hu - 5.0
    assert now.bmd_mg_cm3 == SITE.bmd_mg_cm3(now.mean_hu)
    mean = (now.bmd_mg_cm3 + after.measurement("L2").bmd_mg_cm3) / 2
    assert after.assessment.mean_bmd_mg_cm3 == mean
    assert "voi_leaves_trabecular_bone" in codes(after, "L1")
    assert "voi_leaves_trabecular_bone" in after.assessment.limited


def test_a_moved_voi_keeps_the_automatic_values_beside_the_current(record, scan):
    before = record.measurement("L1")
    once = move_voi(record, scan, "L1", moved(before.voi, x=2.0), **BY, body=None)
    twice = move_voi(once, scan, "L1", moved(before.voi, x=4.0), **BY, body=None)
    for after in (once, twice):
        automatic = after.measurement("L1").automatic
        assert (automatic.mean_hu, automatic.sd_hu, automatic.volume_mm3) == (
            before.mean_hu,
            before.sd_hu,
            before.volume_mm3,
        )
        assert (automatic.bmd_mg_cm3, automatic.voi) == (before.bmd_mg_cm3, before.voi)
        assert after.automatic.assessment == record.assessment
    assert twice.measurement("L2").automatic is None


def test_a_correction_enters_the_history(record, scan):
    before = record.measurement("L1")
    voi = moved(before.voi, x=2.0)
    (entry,) = move_voi(record, scan, "L1", voi, **BY, body=None).history
    assert (entry.what, entry.level, entry.reader, entry.time) == ("voi_moved", "L1", READER, TIME)
    assert entry.old["center_lps_mm"] == list(before.voi.center_lps_mm)
    assert entry.new["center_lps_mm"] == list(voi.center_lps_mm)


def test_a_correction_leaves_the_examination_before_untouched(record, scan):
    written = record.to_json()
    move_voi(record, scan, "L1", moved(record.measurement("L1").voi, x=2.0), **BY, body=None)
    exclude_level(record, "L2", "cyst", **BY)
    assert record.to_json() == written


def test_a_corrected_record_survives_json(record, scan):
    after = move_voi(record, scan, "L1", moved(record.measurement("L1").voi, x=2.0), **BY, body=None)
    after = exclude_level(after, "L2", "other", **BY, words="motion")
    after = change_calibration(after, NOMINAL, **BY)
    after = shift_names(after, 1, **BY)
    assert Examination.from_json(after.to_json()) == after


def test_a_reset_voi_gives_the_automatic_numbers_to_the_last_digit(record, scan):
    after = move_voi(record, scan, "L1", moved(record.measurement("L1").voi, z=-10.0), **BY, body=body_mask("L1"))
    after = reset_voi(after, "L1", **BY)
    assert after.measurements == record.measurements
    assert after.assessment == record.assessment
    assert after.findings == record.findings
    assert after.quality == record.quality
    assert [entry.what for entry in after.history] == ["voi_moved", "voi_reset"]


def test_there_is_nothing_to_reset_where_nothing_was_moved(record):
    with pytest.raises(UsageError, match="automatic one"):
        reset_voi(record, "L1", **BY)


def test_a_voi_outside_the_scan_is_refused(record, scan):
    with pytest.raises(CannotMeasure, match="leaves the scan"):
        move_voi(record, scan, "L1", moved(record.measurement("L1").voi, x=200.0), **BY, body=None)


def other_scans(scan: CTScan) -> dict[str, CTScan]:
    return {
        "series": replace(scan, source=replace(scan.source, series_uid="9.9")),
        "file": replace(scan, source=replace(scan.source, file_sha256="cd" * 32)),
        "patient": replace(scan, patient=replace(scan.patient, patient_id="P-18")),
        "images": replace(scan, source=replace(scan.source, sop_instance_uids=scan.source.sop_instance_uids[1:])),
        "changed": replace(scan, source=replace(scan.source, modified=True)),
        "spacing": replace(scan, geometry=replace(scan.geometry, spacing_mm=(1.0, 1.0, 1.1))),
    }


@pytest.mark.parametrize("what", ["series", "images", "file", "patient", "changed", "spacing"])
def test_another_scan_is_refused(record, scan, what):
    other = other_scans(scan)[what]
    with pytest.raises(UsageError, match="not the one"):
        move_voi(record, other, "L1", record.measurement("L1").voi, **BY, body=None)
    with pytest.raises(UsageError, match="not the one"):
        edit_body(record, other, "L1", body_mask("L1"), **BY)


def test_the_same_scan_come_by_otherwise_is_taken(record, scan):
    again = replace(scan, source=replace(scan.source, file_name="x.nii", choice=None, other_series=()))
    # What the version that made the record did not look for.
    again = replace(again, acquisition=replace(again.acquisition, lossy_compression="ISO_10918_1"))
    move_voi(record, again, "L1", record.measurement("L1").voi, **BY, body=None)


@pytest.mark.parametrize(
    "read", [{"filter_type": "tin"}, {"contrast_agent": "given"}, {"series_description": "Thorax venös"}]
)
def test_a_scan_whose_tags_another_version_reads_in_another_way_is_the_same(record, scan, read):
    again = replace(scan, acquisition=replace(scan.acquisition, **read), patient=replace(scan.patient, name="Doe^Jäne"))
    move_voi(record, again, "L1", record.measurement("L1").voi, **BY, body=None)


def test_without_uids_and_hash_what_was_set_on_the_scanner_decides(record, scan):
    bare = replace(scan, source=Source("file", modified=True))
    of_bare = replace(record, scan=bare.description)
    voi = record.measurement("L1").voi
    again = replace(bare, acquisition=replace(bare.acquisition, filter_type="tin"))
    move_voi(of_bare, again, "L1", voi, **BY, body=None)
    other = replace(bare, acquisition=replace(bare.acquisition, kvp=100.0))
    with pytest.raises(UsageError, match="not the one"):
        move_voi(of_bare, other, "L1", voi, **BY, body=None)


def test_whether_a_voi_leaves_the_bone_is_never_left_unasked(record, scan):
    with pytest.raises(TypeError, match="body"):
        move_voi(record, scan, "L1", record.measurement("L1").voi, **BY)


def at_the_edge(level: str) -> BodyMask:
    """The mask of L3, which is moved down until the scan's lower edge cuts it."""
    mask = body_mask(level)
    return BodyMask((slice(0, 20), *mask.box[1:]), mask.inside[14:])


def test_an_edited_body_that_the_edge_cuts_gets_no_voi(record, scan):
    with pytest.raises(CannotMeasure, match="cut by the edge"):
        edit_body(record, scan, "L2", at_the_edge("L2"), **BY)


def test_a_body_is_complete_or_cut_as_its_edited_mask_is(record, scan):
    cut = edit_body(record, scan, "L3", at_the_edge("L3"), **BY)
    assert [v.complete for v in cut.vertebrae] == [True, True, True, True, False]
    assert [one.level for one in cut.quality.heights] == ["T11", "T12", "L1", "L2"]
    mended = edit_body(cut, scan, "L3", body_mask("L3"), **BY)
    assert mended.vertebrae == record.vertebrae
    assert mended.quality.heights == record.quality.heights


def test_a_voi_added_in_a_body_that_the_edge_cuts_limits_the_category(scan):
    record = examined(scan, measured=("T12", "L1"))
    cut = tuple(replace(v, complete=v.level != "L2") for v in record.vertebrae)
    for requested in (("T12", "L1", "L2"), ("T12", "L1")):
        quality = replace(record.quality, requested_levels=requested)
        before = replace(record, vertebrae=cut, quality=quality)
        after = add_voi(before, scan, "L2", examined(scan).measurement("L2").voi, **BY, body=None)
        assert after.assessment.limited == ("cut_by_edge",)
        assert "cut by the edge" in after.assessment.statement


def test_an_empty_mask_is_refused(record, scan):
    mask = body_mask("T11")
    with pytest.raises(UsageError, match="empty"):
        edit_body(record, scan, "T11", replace(mask, inside=np.zeros_like(mask.inside)), **BY)


def test_the_automatic_heights_stay_in_the_record(record, scan):
    after = edit_body(record, scan, "L1", body_mask("L1", ha_mm=18.0), **BY)
    assert after.quality.heights != record.quality.heights
    assert after.automatic.heights == record.quality.heights


def test_a_voi_can_be_added_moved_and_never_had_an_automatic_one(record, scan):
    place = moved(record.measurement("L2").voi, z=-34.0)
    added = add_voi(record, scan, "L3", place, **BY, body=None)
    assert levels(added) == ["T12", "L1", "L2", "L3"]
    assert added.measurement("L3").mean_hu == pytest.approx(110.0, abs=1.0)
    assert added.assessment == record.assessment
    later = move_voi(added, scan, "L3", moved(place, x=3.0), **BY, body=None)
    later = change_calibration(later, NOMINAL, **BY)
    assert later.measurement("L3").automatic is None
    with pytest.raises(UsageError, match="no automatic VOI"):
        reset_voi(later, "L3", **BY)
    with pytest.raises(UsageError, match="already"):
        add_voi(added, scan, "L3", place, **BY, body=None)


@pytest.mark.parametrize("reason", ExclusionReason)
def test_an_excluded_level_leaves_the_mean_and_keeps_its_number(record, reason):
    words = "motion" if reason is ExclusionReason.OTHER else None
    after = exclude_level(record, "L1", reason, **BY, words=words)
    excluded = after.measurement("L1")
    assert excluded.excluded == Exclusion(reason, READER, TIME, words)
    assert excluded.bmd_mg_cm3 == record.measurement("L1").bmd_mg_cm3
    assert excluded.automatic is None
    assert after.assessment.levels == ("L2",)
    assert after.assessment.limited == ("single_lumbar_level",)
    assert "single_lumbar_level" in codes(after)
    assert f"L1 excluded: {excluded.excluded.text}" in after.assessment.statement


@pytest.mark.parametrize(
    ("reason", "words"),
    [("", None), ("because", None), ("fracture", "old"), ("other", None), ("other", " "), ("Fracture", None)],
)
def test_a_reason_that_does_not_exist_or_lacks_its_words_is_refused(record, reason, words):
    with pytest.raises(UsageError, match="reason"):
        exclude_level(record, "L1", reason, **BY, words=words)


def test_including_again_undoes_the_exclusion(record):
    after = include_level(exclude_level(record, "L1", "cyst", **BY), "L1", **BY)
    assert after.measurements == record.measurements
    assert after.assessment == record.assessment
    assert after.history[-1].old["reason"] == "cyst"
    with pytest.raises(UsageError, match="not excluded"):
        include_level(record, "L1", **BY)


def test_shifting_the_names_shifts_the_assessment(record):
    after = shift_names(record, -1, **BY)
    assert [vertebra.level for vertebra in after.vertebrae] == ["T10", "T11", "T12", "L1", "L2"]
    assert levels(after) == ["T11", "T12", "L1"]
    assert after.measurement("L1").mean_hu == record.measurement("L2").mean_hu
    assert after.measurement("L1").automatic.level == "L2"
    assert after.assessment.levels == ("L1",)
    # The vertebra now called L2 has no VOI yet.
    assert "not_measured" in codes(after, "L2")
    assert after.automatic.levels == ("T11", "T12", "L1", "L2", "L3")
    assert [one.level for one in after.quality.heights] == ["T10", "T11", "T12", "L1", "L2"]


def test_shifting_back_restores_every_measurement(record):
    after = shift_names(shift_names(record, 1, **BY), -1, **BY)
    assert after.measurements == record.measurements
    assert after.vertebrae == record.vertebrae
    assert after.assessment == record.assessment


def test_a_shifted_column_is_vouched_for_by_its_reader():
    uncertain = examined(names_certain=False, names_remark=told("No rib is in view."))
    assert uncertain.assessment.category is None
    after = shift_names(uncertain, 1, **BY)
    assert after.assessment.category is not None
    assert READER in str(after.quality.names_remark)
    assert after.automatic.names_certain is False


def test_confirmed_names_allow_a_category():
    uncertain = examined(names_certain=False, names_remark=told("No rib is in view."))
    assert confirm_names(uncertain, **BY).assessment.category == "osteopenia"


@pytest.mark.parametrize("steps", [0, 30, -30])
def test_an_impossible_shift_is_refused(record, steps):
    with pytest.raises(UsageError):
        shift_names(record, steps, **BY)


def test_one_vertebra_can_be_renamed_where_the_order_holds(record):
    after = rename_level(record, "L3", "L4", **BY)
    assert [vertebra.level for vertebra in after.vertebrae] == ["T11", "T12", "L1", "L2", "L4"]
    assert after.assessment == record.assessment
    assert (after.history[0].old, after.history[0].new) == ("L3", "L4")


def test_a_thirteenth_thoracic_vertebra_can_be_told(record):
    after = rename_level(record, "T11", "T10", **BY)
    after = rename_level(after, "T12", "T11", **BY)
    after = rename_level(after, "L1", "T13", **BY)
    assert [vertebra.level for vertebra in after.vertebrae] == ["T10", "T11", "T13", "L2", "L3"]
    assert after.measurement("T13").automatic.level == "L1"
    assert after.assessment.levels == ("L2",)


@pytest.mark.parametrize(
    ("old", "new"), [("L1", "L2"), ("L1", "L3"), ("T12", "T10"), ("L1", "L1"), ("L1", "Q1"), ("L5", "L4")]
)
def test_names_that_clash_or_leave_the_order_are_refused(record, old, new):
    with pytest.raises(UsageError):
        rename_level(record, old, new, **BY)


def test_another_calibration_changes_every_bmd_and_keeps_the_old(record):
    other = Calibration("June", 0.7, 5.0, "K2HPO4", 120.0, False, "QA phantom")
    after = change_calibration(record, other, **BY)
    for measurement in after.measurements:
        before = record.measurement(measurement.level)
        assert measurement.bmd_mg_cm3 == other.bmd_mg_cm3(before.mean_hu)
        assert measurement.automatic.bmd_mg_cm3 == before.bmd_mg_cm3
    assert after.automatic.calibration == SITE
    assert after.history[0].old["name"] == "Site phantom"
    back = change_calibration(after, SITE, **BY)
    assert back.measurements == record.measurements


def test_a_calibration_that_does_not_fit_takes_the_category_away(record):
    after = change_calibration(record, replace(SITE, kvp=115.0), **BY)
    assert after.assessment.category is None
    assert "kvp_mismatch" in codes(after)


def test_a_reset_after_another_calibration_keeps_that_calibration(record, scan):
    after = move_voi(record, scan, "L1", moved(record.measurement("L1").voi, x=2.0), **BY, body=None)
    after = reset_voi(change_calibration(after, NOMINAL, **BY), "L1", **BY)
    assert after.measurement("L1").bmd_mg_cm3 == NOMINAL.bmd_mg_cm3(record.measurement("L1").mean_hu)


def test_an_edited_body_places_the_voi_anew(record, scan):
    box, inside = body_mask("L1").box, body_mask("L1").inside.copy()
    inside[:, :, :26] = False
    edited = replace(body_mask("L1"), box=box, inside=inside)
    after = edit_body(record, scan, "L1", edited, **BY)
    assert after.measurement("L1").voi.center_lps_mm[0] > record.measurement("L1").voi.center_lps_mm[0] + 5.0
    assert after.measurement("L1").automatic.voi == record.measurement("L1").voi
    was, now = (next(v for v in one.vertebrae if v.level == "L1") for one in (record, after))
    assert now.volume_ml == pytest.approx(inside.sum() / 1000.0)
    assert now.volume_ml < was.volume_ml
    assert now.centroid_lps_mm[0] > was.centroid_lps_mm[0] + 5.0


def test_an_edited_wedge_becomes_a_suspected_fracture(record, scan):
    after = edit_body(record, scan, "L1", body_mask("L1", hp_mm=26.0, ha_mm=18.0), **BY)
    assert "suspected_fracture" in codes(after, "L1")
    assert "because L1 may be fractured" in after.assessment.statement
    (loss,) = (one for one in after.height_losses if one.level == "L1")
    assert loss.suspected
    assert loss.height == "anterior"


def test_an_edited_body_of_a_level_that_is_no_target_gets_no_voi(record, scan):
    after = edit_body(record, scan, "T11", body_mask("T11", ha_mm=24.0), **BY)
    assert levels(after) == ["T12", "L1", "L2"]
    assert [one.level for one in after.quality.heights] == ["T11", "T12", "L1", "L2", "L3"]


def test_a_correction_without_a_reader_is_refused(record):
    with pytest.raises(UsageError, match="reader"):
        exclude_level(record, "L1", "cyst", " ", TIME)


@pytest.mark.parametrize("level", ["T11", "L5", "Q1"])
def test_what_is_not_measured_can_not_be_excluded(record, level):
    with pytest.raises(UsageError, match="not measured"):
        exclude_level(record, level, "cyst", **BY)
