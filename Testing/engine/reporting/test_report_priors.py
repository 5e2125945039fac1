"""Change since earlier examinations."""

import io
import math
from dataclasses import replace

import numpy as np
import pypdf
import pytest

from helpers_record import READER, SITE, TIME, examined, with_scan
from helpers_report import printed, with_patient
from ldct_bmd.calibration import NOMINAL, FitQuality
from ldct_bmd.calibration.contrast import shift_at
from ldct_bmd.calibration.size import BodySize
from ldct_bmd.corrections import change_calibration, exclude_level
from ldct_bmd.examination import Examination, conclude, sign
from ldct_bmd.followup import Carried, Move, NotCarried, Registration, Why
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reference import AgeGroup, ReferenceCurve
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.page.html import to_html
from ldct_bmd.reporting.page.pdf import to_pdf
from ldct_bmd.reporting.priors import Remark, compare


def dated(examination: Examination, day: str, instances: str = "1.9") -> Examination:
    """The record as that of another scan, made on ``day``."""
    return with_scan(examination, acquisition_date=day, sop_instance_uids=(instances,))


def denser(examination: Examination, by_mg_cm3: float) -> Examination:
    """The record with every BMD higher."""
    measurements = tuple(replace(m, bmd_mg_cm3=m.bmd_mg_cm3 + by_mg_cm3) for m in examination.measurements)
    return conclude(replace(examination, measurements=measurements))


def sized(record: Examination, mm: float, cut: bool = False) -> Examination:
    """The record of a patient of another size."""
    vois = tuple(replace(one, size=BodySize(mm, cut)) for one in record.quality.vois)
    return conclude(replace(record, quality=replace(record.quality, vois=vois)))


@pytest.fixture(scope="module")
def now() -> Examination:
    return sized(dated(examined(), "20240501", "1.8"), 270.0)


@pytest.fixture(scope="module")
def then(now: Examination) -> Examination:
    return denser(dated(now, "20220501"), 6.0)


def test_change_and_rate_per_year_of_the_mean_and_each_level(now: Examination, then: Examination) -> None:
    comparison = compare(now, then)
    assert [change.levels for change in comparison.changes] == [("L1", "L2"), ("T12",), ("L1",), ("L2",)]
    assert comparison.years == pytest.approx(2.0, abs=0.01)
    for change in comparison.changes:
        assert change.change_mg_cm3 == pytest.approx(-6.0)
        assert change.per_year_mg_cm3 == pytest.approx(-3.0, abs=0.01)
    assert comparison.changes[2].percent == pytest.approx(-600.0 / then.measurement("L1").bmd_mg_cm3)


def test_the_lsc_is_that_of_two_noisy_measurements_placed_twice(now: Examination, then: Examination) -> None:
    change = compare(now, then).changes[2]
    error = now.measurement("L1").bmd_error
    # ISCD: 2.77 times the precision error, where both scans have the same. What size adds is the same in both.
    repeated = np.hypot(error.noise_mg_cm3, error.placement_mg_cm3)
    assert change.lsc_mg_cm3 == pytest.approx(2.77 * repeated, rel=1e-3)
    assert change.exceeds_lsc


def test_a_sites_own_lsc_takes_its_place(now: Examination, then: Examination) -> None:
    comparison = compare(now, then, site_lsc_mg_cm3=8.0)
    assert {change.lsc_mg_cm3 for change in comparison.changes} == {8.0}
    assert not any(change.exceeds_lsc for change in comparison.changes)
    assert "8.0 mg/cm³ is the site's own" in " ".join(compose(now, comparisons=[comparison]).priors.notes)


def test_with_different_calibrations_their_errors_count_or_the_lsc_is_not_known(now: Examination) -> None:
    unknown = compare(now, dated(change_calibration(now, NOMINAL, READER, TIME), "20220501"))
    assert Remark.CALIBRATION in unknown.remarks
    assert all(change.lsc_mg_cm3 is None and not change.exceeds_lsc for change in unknown.changes)
    fits = [replace(SITE, name=name, fit=FitQuality(0.01, 1.0, 0.0, 2.0, 0.99, 5)) for name in ("a", "b")]
    first, second = (change_calibration(now, fit, READER, TIME) for fit in fits)
    known = compare(first, dated(second, "20220501")).changes[2]
    half = first.measurement("L1").bmd_error.half_interval_mg_cm3
    assert known.lsc_mg_cm3 == pytest.approx(math.sqrt(2.0) * half)


def test_with_two_calibrations_of_few_rods_the_lsc_is_as_wide_as_their_intervals(now: Examination) -> None:
    few = [replace(SITE, name=name, fit=FitQuality(0.01, 2.0, 0.0, 2.0, 0.99, 3)) for name in ("a", "b")]
    first, second = (change_calibration(now, fit, READER, TIME) for fit in few)
    comparison = compare(first, dated(second, "20220501"), carried=[found_there(now, "L1", 0.0)])
    error = first.measurement("L1").bmd_error
    assert error.coverage_factor > 3.0
    by_records, same_place = comparison.changes[2], comparison.same_place[0]
    assert by_records.lsc_mg_cm3 == pytest.approx(math.sqrt(2.0) * error.half_interval_mg_cm3)
    assert same_place.lsc_mg_cm3 > 3.0 * same_place.error_mg_cm3


def test_a_calibration_of_another_voltage_gives_no_lsc_in_either_way(now: Examination) -> None:
    fit = FitQuality(0.01, 1.0, 0.0, 2.0, 0.99, 5)
    wrong = conclude(replace(now, calibration=replace(SITE, name="other", kvp=100.0, fit=fit)))
    right = change_calibration(now, replace(SITE, fit=fit), READER, TIME)
    comparison = compare(right, dated(wrong, "20220501"), carried=[found_there(now, "L1", 0.0)])
    assert comparison.changes[2].lsc_mg_cm3 is None
    assert comparison.same_place[0].lsc_mg_cm3 is None


def test_another_scanner_or_voltage_is_told(now: Examination, then: Examination) -> None:
    elsewhere = with_scan(then, model="CT 2", kvp=100.0)
    comparison = compare(now, elsewhere)
    assert {Remark.SCANNER, Remark.KVP} <= set(comparison.remarks)
    notes = " ".join(compose(now, comparisons=[comparison]).priors.notes)
    assert "ACME CT 2" in notes
    assert "100 kVp" in notes


@pytest.mark.parametrize("differing", [{"model": "CT 2"}, {"device_serial": "77"}, {"kvp": 100.0}])
def test_no_change_is_judged_across_scanners_or_voltages_without_the_sites_lsc(
    now: Examination, then: Examination, differing: dict[str, object]
) -> None:
    elsewhere = with_scan(then, **differing)
    comparison = compare(now, elsewhere)
    assert comparison.changes
    assert all(change.lsc_mg_cm3 is None and not change.exceeds_lsc for change in comparison.changes)
    assert all(change.lsc_mg_cm3 == 5.0 for change in compare(now, elsewhere, site_lsc_mg_cm3=5.0).changes)


@pytest.mark.parametrize("which", [0, 1])
def test_no_change_is_judged_against_a_scan_with_contrast_agent_and_that_is_told(
    now: Examination, then: Examination, which: int
) -> None:
    both = [now, then]
    both[which] = conclude(with_scan(both[which], contrast_agent="Iodine"))
    comparison = compare(*both)
    assert comparison.remarks == (Remark.CONTRAST,)
    assert comparison.changes
    assert all(change.lsc_mg_cm3 is None and not change.exceeds_lsc for change in comparison.changes)
    assert "with contrast agent" in " ".join(compose(both[0], comparisons=[comparison]).priors.notes)


def test_a_prior_that_was_changed_after_it_was_signed_is_refused(now: Examination, then: Examination) -> None:
    signed = sign(then, READER, TIME)
    assert compare(now, signed).changes
    with pytest.raises(UsageError, match="changed after it was signed"):
        compare(now, denser(signed, 1.0))


def test_a_later_scan_is_no_prior(now: Examination, then: Examination) -> None:
    with pytest.raises(UsageError, match="later scan"):
        compare(then, now)


def test_bmd_of_another_material_or_uncertain_names_are_not_compared(now: Examination, then: Examination) -> None:
    apatite = change_calibration(then, replace(SITE, material="hydroxyapatite"), READER, TIME)
    unsure = replace(then, quality=replace(then.quality, names_certain=False))
    for prior, remark in ((apatite, Remark.MATERIAL), (unsure, Remark.NAMES)):
        comparison = compare(now, prior)
        assert remark in comparison.remarks
        assert comparison.changes == ()


def test_an_excluded_level_and_a_mean_of_other_levels_are_not_compared(now: Examination, then: Examination) -> None:
    changes = compare(now, exclude_level(then, "L2", "fracture", READER, TIME)).changes
    assert [change.levels for change in changes] == [("T12",), ("L1",)]


def test_without_a_date_there_is_no_rate(now: Examination, then: Examination) -> None:
    undated = with_scan(then, acquisition_date=None, study_date=None)
    comparison = compare(now, undated)
    assert Remark.UNDATED in comparison.remarks
    assert all(change.per_year_mg_cm3 is None for change in comparison.changes)


@pytest.mark.parametrize("patient_id", ["P-18", "", None])
def test_another_patient_or_one_not_named_is_refused(now: Examination, then: Examination, patient_id) -> None:
    with pytest.raises(UsageError, match="patient"):
        compare(now, with_patient(then, patient_id=patient_id))


@pytest.mark.parametrize(
    ("person", "told"),
    [
        ({"sex": "M"}, "of the other sex"),
        ({"age_years": 48.0}, r"of a person of 48 years then and 63 now, with 2.0 years between"),
        ({"age_years": 70.0}, r"of a person of 70 years then"),
        ({"age_years": 61.0}, None),
        ({"age_years": 63.0}, None),  # as at the earlier visit
        ({"age_years": None, "sex": None}, None),
        ({"sex": "O"}, None),
    ],
)
def test_one_who_shares_the_patient_id_alone_is_another_person(
    now: Examination, then: Examination, person: dict[str, object], told: str | None
) -> None:
    current, prior = with_patient(now, sex="F", age_years=63.0), with_patient(then, sex="F", age_years=61.0)
    prior = with_patient(prior, **person)
    if told is None:
        assert compare(current, prior).changes
    else:
        with pytest.raises(UsageError, match=told):
            compare(current, prior)


def test_all_ages_over_89_are_one(now: Examination, then: Examination) -> None:
    assert compare(with_patient(now, age_years=90.0), with_patient(then, age_years=80.0)).changes


def test_the_same_scan_is_refused(now: Examination) -> None:
    with pytest.raises(UsageError, match="same scan"):
        compare(now, now)


def test_the_report_says_whether_a_change_exceeds_the_lsc(now: Examination, then: Examination) -> None:
    rows = compose(now, comparisons=[compare(now, then), compare(now, denser(then, -5.99))]).priors.rows
    assert rows[0][0] == "mean L1 and L2"
    assert rows[0][1] == "2022-05-01"
    assert rows[0][-1] == "more than LSC"
    assert rows[4][-1] == "within LSC"
    assert rows[0][4] == "−6.0"


LAID = Registration(Move(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (0.0,) * 3, (0.0,) * 3), 0.97, 0.95, 0.1)


def found_there(now: Examination, level: str, more_hu: float) -> Carried:
    """What the VOI of a level found in the earlier scan: ``more_hu`` above today's mean."""
    measured = now.measurement(level)
    return Carried(level, measured.voi, measured.mean_hu + more_hu, 3.0, 1.0, LAID)


def test_at_the_same_place_the_change_is_of_the_current_vois(now: Examination, then: Examination) -> None:
    carried = [found_there(now, "L1", 10.0), found_there(now, "L2", 20.0)]
    comparison = compare(now, then, carried=carried)
    assert [change.levels for change in comparison.same_place] == [("L1", "L2"), ("L1",), ("L2",)]
    # 0.8 mg/cm3 per HU.
    assert [change.change_mg_cm3 for change in comparison.same_place] == pytest.approx([-12.0, -8.0, -16.0])
    assert comparison.changes == compare(now, then).changes


def test_its_error_is_of_both_noises_and_the_place_and_the_lsc_follows(now: Examination, then: Examination) -> None:
    carried = [found_there(now, "L1", 10.0), found_there(now, "L2", 20.0)]
    mean, first, second = compare(now, then, carried=carried).same_place
    noise = now.measurement("L1").bmd_error.noise_mg_cm3
    assert first.error_mg_cm3 == pytest.approx(math.hypot(noise, 0.8 * 3.0, 0.8 * 1.0))
    assert first.lsc_mg_cm3 == pytest.approx(1.96 * first.error_mg_cm3)
    assert mean.error_mg_cm3 == pytest.approx(math.hypot(first.error_mg_cm3, second.error_mg_cm3) / 2, rel=0.05)


def test_of_one_calibration_only_the_slopes_part_in_the_change_counts(now: Examination, then: Examination) -> None:
    fitted = replace(SITE, fit=FitQuality(0.01, 30.0, 0.0, 2.0, 0.99, 5))
    now, then = (change_calibration(one, fitted, READER, TIME) for one in (now, then))
    small, large = (compare(now, then, carried=[found_there(now, "L1", hu)]).same_place[0] for hu in (0.0, 200.0))
    assert large.error_mg_cm3 == pytest.approx(math.hypot(small.error_mg_cm3, 0.01 * 200.0))
    other = change_calibration(then, replace(fitted, name="another"), READER, TIME)
    apart = compare(now, other, carried=[found_there(now, "L1", 0.0)]).same_place[0]
    assert apart.error_mg_cm3 > 30.0


@pytest.mark.parametrize(("before_mm", "now_mm"), [(260.0, 260.0), (220.0, 300.0), (240.0, 280.0), (320.0, 200.0)])
def test_of_the_patients_size_what_changed_counts_in_both_ways(
    now: Examination, then: Examination, before_mm: float, now_mm: float
) -> None:
    carried = [found_there(now, "L1", 10.0), found_there(now, "L2", 10.0)]
    steady = compare(sized(now, 270.0), sized(then, 270.0), carried=carried)
    grown = compare(sized(now, now_mm), sized(then, before_mm), carried=carried)
    added = 0.12 / math.sqrt(3.0) * abs(now_mm - before_mm)
    for same, other in zip((*steady.changes, *steady.same_place), (*grown.changes, *grown.same_place), strict=True):
        assert other.lsc_mg_cm3 == pytest.approx(math.hypot(same.lsc_mg_cm3, 1.96 * added))


@pytest.mark.parametrize("which", [(True, False), (False, True), (True, True)])
def test_of_a_patient_whom_the_field_cuts_the_change_of_size_is_not_known(
    now: Examination, then: Examination, which: tuple[bool, bool]
) -> None:
    whole, cut = (
        compare(sized(now, 270.0, one), sized(then, 270.0, other)).changes[0].lsc_mg_cm3
        for one, other in ((False, False), which)
    )
    assert cut == pytest.approx(math.hypot(whole, 1.96 * 0.12 / math.sqrt(3.0) * 30.0))


def test_across_scanners_the_change_is_shown_without_an_error(now: Examination, then: Examination) -> None:
    elsewhere = with_scan(then, model="CT 2")
    (change,) = compare(now, elsewhere, carried=[found_there(now, "L1", 10.0)]).same_place
    assert change.change_mg_cm3 == pytest.approx(-8.0)
    assert change.error_mg_cm3 is None
    assert change.lsc_mg_cm3 is None


def test_what_contrast_agent_adds_is_taken_off_at_the_same_place_too(now: Examination, then: Examination) -> None:
    contrast = shift_at(90.0, 12.0, "120")
    enhanced = change_calibration(replace(then, contrast=contrast), SITE, READER, TIME)
    plain, corrected = (
        compare(now, prior, carried=[found_there(now, "L1", 10.0)]).same_place[0] for prior in (then, enhanced)
    )
    assert corrected.then_mg_cm3 == pytest.approx(plain.then_mg_cm3 - SITE.slope * contrast.shift_hu)


def test_the_mean_needs_all_of_its_levels(now: Examination, then: Examination) -> None:
    carried = [found_there(now, "L1", 10.0), NotCarried("L2", Why.OVERLAP, {"overlap": 0.62})]
    comparison = compare(now, then, carried=carried)
    assert [change.levels for change in comparison.same_place] == [("L1",)]
    assert ("L1", "L2") in [change.levels for change in comparison.changes]
    notes = " ".join(compose(now, comparisons=[comparison]).same_place.notes)
    assert "2022-05-01: The outlines of L2 in the two scans do not match (overlap 0.62)" in notes


def test_a_level_that_looks_like_its_neighbour_has_no_change_in_either_way(now: Examination, then: Examination) -> None:
    comparison = compare(now, then, carried=[NotCarried("L1", Why.OTHER_LEVEL, {"other": "L2"})])
    assert [change.levels for change in comparison.changes] == [("T12",), ("L2",)]
    assert comparison.same_place == ()
    notes = compose(now, comparisons=[comparison]).same_place.notes
    assert any("L1 of this scan looks like L2 of the earlier one" in note for note in notes)


def test_the_report_says_which_way_it_compared(now: Examination, then: Examination) -> None:
    alone = compose(now, comparisons=[compare(now, then)])
    assert alone.same_place is None
    assert "2022-05-01: only its record was at hand" in " ".join(alone.priors.notes)
    both = compose(now, comparisons=[compare(now, then, carried=[found_there(now, "L1", 10.0)])])
    assert "only its record" not in " ".join(both.priors.notes)
    (row,) = both.same_place.rows
    assert row[:2] == ("L1", "2022-05-01")
    assert row[4] == "−8.0"
    assert len(row) == len(both.same_place.columns)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("why", Why)
def test_every_reason_is_a_sentence(now: Examination, then: Examination, why: Why, language: str) -> None:
    facts = {
        Why.UNLIKE: {"similarity": 0.5},
        Why.OTHER_LEVEL: {"other": "L2"},
        Why.TURN: {"turn_deg": 31.0},
        Why.OVERLAP: {"overlap": 0.5},
        Why.RESIDUAL: {"residual_mm": 2.0},
    }
    comparison = compare(now, then, carried=[NotCarried("L1", why, facts.get(why, {}))])
    note = compose(now, comparisons=[comparison], language=language).same_place.notes[-1]
    assert "L1" in note
    assert "{" not in note


@pytest.mark.parametrize(("language", "said"), [("en", "not part of what was signed"), ("zh", "不属于所签署的内容")])
def test_what_is_not_in_a_signed_record_says_so_in_each_of_its_sections(
    now: Examination, then: Examination, language: str, said: str
) -> None:
    group = AgeGroup(50, 70, 120.0, 30.0)
    town = ReferenceCurve("Town", "of a town", "K2HPO4", ("L1", "L2"), "rods", "made up", women=(group,))
    given = {"comparisons": [compare(now, then, carried=[found_there(now, "L1", 10.0)])], "reference": town}
    signed, open_ = (compose(one, language=language, **given) for one in (sign(now, READER, TIME), now))
    for section in (signed.priors, signed.same_place, signed.reference):
        assert said in section.notes[0]
    assert printed(to_html(signed)).count(said) == 3
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(signed))).pages
    assert "".join("".join(page.extract_text() for page in pages).split()).count("".join(said.split())) == 3
    assert said not in printed(to_html(open_))
