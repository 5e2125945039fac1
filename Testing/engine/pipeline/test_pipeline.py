"""From a scan to the record: what is measured, what becomes a finding, what is never written."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

import ldct_bmd.pipeline
from helpers_record import HU, LEVELS, SITE
from helpers_spine import ReadySegmenter, spine_bodies
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.calibration.carry import for_scan
from ldct_bmd.examination import Examination
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.findings import FindingCode
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Cancelled
from ldct_bmd.labeling import label
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.scan import CTScan
from ldct_bmd.words import told

# Standard error of the mean of 2700 voxels with a noise of 5 HU is 0.1 HU, rounding adds less.
HU_TOLERANCE = 0.5


def codes(examination: Examination, level: str | None) -> set[FindingCode]:
    return {finding.code for finding in examination.findings if finding.level == level}


def test_the_mean_hu_of_every_target_is_that_of_its_bone(measured: MeasuredScan) -> None:
    means = {m.level: m.mean_hu for m in measured.examination.measurements}
    assert means == pytest.approx({level: HU[level] for level in ("T12", "L1", "L2")}, abs=HU_TOLERANCE)


def test_bmd_is_the_calibration_of_the_unrounded_mean(measured: MeasuredScan) -> None:
    for measurement in measured.examination.measurements:
        assert measurement.bmd_mg_cm3 == SITE.slope * measurement.mean_hu + SITE.intercept_mg_cm3


def test_a_fitting_calibration_and_both_lumbar_levels_give_an_unlimited_category(measured: MeasuredScan) -> None:
    assessment = measured.examination.assessment
    assert (assessment.category, assessment.levels, assessment.limited) == ("osteopenia", ("L1", "L2"), ())
    assert assessment.mean_bmd_mg_cm3 == pytest.approx(0.8 * 125.0, abs=HU_TOLERANCE)


def test_the_nominal_calibration_limits_the_category(scan: CTScan, segmenter: ReadySegmenter) -> None:
    examination = measure(scan, segmenter).examination
    assert examination.calibration == NOMINAL
    assert examination.assessment.category is not None
    assert "nominal_calibration" in examination.assessment.limited


def test_one_of_another_voltage_is_carried_to_the_scans(scan: CTScan, segmenter: ReadySegmenter) -> None:
    made = replace(SITE, kvp=100.0)
    examination = measure(scan, segmenter, made).examination
    assert examination.calibration.transfer is not None
    assert examination.calibration == for_scan(made, conditions(scan.acquisition))
    assert examination.assessment.category is not None
    assert examination.assessment.limited == ("calibration_carried",)


def test_levels_come_top_to_bottom_however_they_were_asked_for(scan: CTScan, segmenter: ReadySegmenter) -> None:
    examination = measure(scan, segmenter, SITE, levels=("L3", "T11", "L1")).examination
    assert [m.level for m in examination.measurements] == ["T11", "L1", "L3"]


def test_all_vertebrae_in_view_are_in_the_record(measured: MeasuredScan) -> None:
    assert [v.level for v in measured.examination.vertebrae] == list(LEVELS)


def test_a_level_out_of_view_is_a_finding(scan: CTScan, segmenter: ReadySegmenter) -> None:
    examination = measure(scan, segmenter, SITE, levels=("L1", "L2", "L5")).examination
    assert FindingCode.TARGET_MISSING in codes(examination, "L5")
    assert [m.level for m in examination.measurements] == ["L1", "L2"]


def test_a_body_cut_by_the_edge_is_named_and_not_measured(scan: CTScan) -> None:
    # The scan now ends in the middle of L2.
    low = 53
    cut = replace(
        scan,
        hu=scan.hu[low:],
        geometry=replace(
            scan.geometry,
            size=(*scan.geometry.size[:2], scan.geometry.size[2] - low),
            origin_lps_mm=(*scan.geometry.origin_lps_mm[:2], scan.geometry.origin_lps_mm[2] + low),
        ),
    )
    examination = measure(cut, ReadySegmenter(spine_bodies()[low:]), SITE).examination
    assert FindingCode.CUT_BY_EDGE in codes(examination, "L2")
    assert [m.level for m in examination.measurements] == ["T12", "L1"]
    assert "single_lumbar_level" in examination.assessment.limited


def test_a_body_too_flat_for_the_voi_is_a_finding_with_the_reason(scan: CTScan) -> None:
    labels = spine_bodies()
    heights = np.flatnonzero((labels == VERSE_VALUE["L1"]).any(axis=(1, 2)))
    flat = labels[heights[7] : heights[-1] + 1]
    flat[flat == VERSE_VALUE["L1"]] = 0
    examination = measure(scan, ReadySegmenter(labels), SITE).examination
    reasons = [f.message for f in examination.findings if f.code is FindingCode.NOT_MEASURED and f.level == "L1"]
    assert len(reasons) == 1
    assert "7.0 mm high" in reasons[0]
    assert [m.level for m in examination.measurements] == ["T12", "L2"]


def test_a_scan_without_a_vertebra_cannot_be_measured(scan: CTScan) -> None:
    with pytest.raises(CannotMeasure):
        measure(scan, ReadySegmenter(np.zeros(scan.hu.shape, dtype=np.uint8)), SITE)


def test_uncertain_names_give_numbers_and_no_category(
    scan: CTScan, segmenter: ReadySegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsure(*arguments: object) -> object:
        return replace(label(*arguments), names_certain=False, remark=told("No rib is in view."))

    monkeypatch.setattr(ldct_bmd.pipeline, "label", unsure)
    examination = measure(scan, segmenter, SITE).examination
    assert len(examination.measurements) == 3
    assert examination.assessment.category is None
    assert "label_uncertain" in examination.assessment.limited
    assert "No rib is in view." in [f.message for f in examination.findings]


def test_progress_goes_through_the_stages_and_never_back(scan: CTScan, segmenter: ReadySegmenter) -> None:
    calls: list[tuple[str, float]] = []
    measure(scan, segmenter, SITE, progress=lambda stage, fraction: calls.append((stage, fraction)))
    assert list(dict.fromkeys(stage for stage, _ in calls)) == ["segment", "label", "measure"]
    for stage in ("segment", "label", "measure"):
        fractions = [fraction for name, fraction in calls if name == stage]
        assert fractions == sorted(fractions)
        assert (fractions[0], fractions[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("at", ["segment", "label", "measure"])
def test_every_stage_can_be_cancelled(scan: CTScan, segmenter: ReadySegmenter, at: str) -> None:
    def cancel(stage: str, fraction: float) -> None:
        if stage == at:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure(scan, segmenter, SITE, progress=cancel)


def test_each_stage_is_timed_and_reading_is_taken_over(scan: CTScan, segmenter: ReadySegmenter) -> None:
    ticks = count()
    examination = measure(scan, segmenter, SITE, read_s=2.5, clock=lambda: float(next(ticks))).examination
    # The clock is read once at the start and once at the end of a stage.
    assert examination.timing_s == {"read": 2.5, "segment": 1.0, "label": 1.0, "measure": 1.0}


def test_the_record_names_the_model_and_survives_json(measured: MeasuredScan, segmenter: ReadySegmenter) -> None:
    examination = measured.examination
    assert examination.software.model_name == segmenter.identity.name
    assert examination.software.model_sha256 == segmenter.identity.sha256
    assert Examination.from_json(examination.to_json()) == examination


def test_the_same_scan_twice_gives_the_same_record(
    scan: CTScan, segmenter: ReadySegmenter, measured: MeasuredScan
) -> None:
    again = measure(scan, segmenter, SITE)
    assert again.examination == measured.examination
    assert again.examination.comparable() == measured.examination.comparable()


def test_a_flipped_scan_gives_the_same_bmd(scan: CTScan, measured: MeasuredScan) -> None:
    """Mirrored in all axes: the same numbers, since no axis is preferred (0.5 mg/cm3 is the project's limit)."""
    flipped = replace(scan, hu=scan.hu[::-1, ::-1, ::-1])
    values = spine_bodies()[::-1, ::-1, ::-1].copy()
    renamed = np.zeros_like(values)
    for level, upside_down in zip(LEVELS, reversed(LEVELS), strict=True):
        renamed[values == VERSE_VALUE[level]] = VERSE_VALUE[upside_down]
    examination = measure(flipped, ReadySegmenter(renamed), SITE, levels=("L2", "L1", "T12")).examination
    own = {m.level: m.bmd_mg_cm3 for m in measured.examination.measurements}
    mirrored = {m.level: m.bmd_mg_cm3 for m in examination.measurements}
    # T11 to L3 upside down: L1 stays in the middle, T12 and L2 change places.
    assert mirrored["L1"] == pytest.approx(own["L1"], abs=0.01)
    assert mirrored["T12"] == pytest.approx(own["L2"], abs=0.01)
    assert mirrored["L2"] == pytest.approx(own["T12"], abs=0.01)
