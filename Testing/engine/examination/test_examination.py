"""The record: what it holds, that it survives JSON, and what follows from it."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_record import SITE, column_scan, examined
from ldct_bmd.assessment import Assessment
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.corrections import exclude_level
from ldct_bmd.densitometry import HUPattern, MidlineContrast
from ldct_bmd.examination import (
    SCHEMA,
    AutomaticResult,
    AutomaticValues,
    Examination,
    Exclusion,
    ExclusionReason,
    FileReference,
    HistoryEntry,
    Measurement,
    conclude,
)
from ldct_bmd.findings import FindingCode, told_finding
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.quality import Unmeasured, VOIFacts
from ldct_bmd.voi import CylinderVOI
from ldct_bmd.words import told


@pytest.fixture(scope="module")
def record() -> Examination:
    return examined()


@pytest.fixture(scope="module")
def plain(record: Examination) -> dict:
    return json.loads(record.to_json())


def test_the_json_has_the_documented_parts(plain):
    assert plain["schema"] == SCHEMA
    assert set(plain) >= {
        "scan",
        "vertebrae",
        "measurements",
        "assessment",
        "calibration",
        "findings",
        "software",
        "timing_s",
        "history",
    }
    assert set(plain["scan"]) == {"geometry", "acquisition", "patient", "source"}
    assert plain["scan"]["source"]["series_uid"] == "1.2.3"
    assert plain["scan"]["geometry"]["spacing_mm"] == [1.0, 1.0, 1.0]
    assert plain["scan"]["acquisition"]["kvp"] == 120.0


def test_the_json_of_each_part_has_exactly_the_documented_names(plain):
    assert set(plain["vertebrae"][0]) == {
        "level",
        "centroid_lps_mm",
        "volume_ml",
        "confidence",
        "complete",
        "mask_sha256",
    }
    measurement = plain["measurements"][0]
    assert set(measurement) == {
        "level",
        "mean_hu",
        "sd_hu",
        "volume_mm3",
        "bmd_mg_cm3",
        "voi",
        "excluded",
        "automatic",
        "bmd_error",
    }
    assert set(measurement["bmd_error"]) == {
        "noise_mg_cm3",
        "calibration_mg_cm3",
        "total_mg_cm3",
        "transfer_mg_cm3",
        "placement_mg_cm3",
        "size_mg_cm3",
        "contrast_mg_cm3",
        "coverage_factor",
    }
    assert set(measurement["voi"]) == {"center_lps_mm", "semi_axes_mm", "axes_lps", "height_mm"}
    assert (measurement["excluded"], measurement["automatic"]) == (None, None)
    assessment = {"mean_bmd_mg_cm3", "levels", "category", "limited", "mean_bmd_error"}
    assessment |= {
        "material",
        "left_out",
        "fractured",
        "suspected",
        "reference",
        "rules",
        "k2hpo4_parts",
        "statement",
        "frozen",
    }
    assert set(plain["assessment"]) == assessment
    calibration = {"name", "slope", "intercept_mg_cm3", "material", "kvp", "nominal", "source", "provenance", "fit"}
    assert set(plain["calibration"]) == calibration | {"transfer"}
    assert all(
        set(finding) == {"code", "severity", "level", "facts", "message", "frozen"} for finding in plain["findings"]
    )
    assert [v["level"] for v in plain["vertebrae"]] == ["T11", "T12", "L1", "L2", "L3"]
    assert [m["level"] for m in plain["measurements"]] == ["T12", "L1", "L2"]


def test_the_numbers_are_those_of_the_scan(record):
    l1 = record.measurement("L1")
    assert l1.mean_hu == pytest.approx(130.0, abs=0.5)
    assert l1.bmd_mg_cm3 == pytest.approx(0.8 * l1.mean_hu)
    assert record.assessment.mean_bmd_mg_cm3 == pytest.approx(100.0, abs=0.5)
    assert record.assessment.category == "osteopenia"
    assert record.assessment.limited == ()


def test_a_record_survives_json(record):
    assert Examination.from_json(record.to_json()) == record
    assert Examination.from_json(record.to_json()).timing_s == record.timing_s
    assert Examination.from_json(record.to_json()).to_json() == record.to_json()


numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
text = st.text(max_size=40)
levels = st.sampled_from(["T12", "L1", "L2", "L3"])
plain_values = st.recursive(
    st.none() | st.booleans() | numbers | text | st.integers(-(10**15), 10**15),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
vois = st.builds(
    CylinderVOI,
    st.tuples(*[st.floats(-1e4, 1e4)] * 3),
    st.tuples(*[st.floats(0.1, 50.0)] * 2),
    st.just(((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0))),
    st.floats(0.5, 40.0),
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_record_survives_json_to_the_last_bit(data):
    base = examined_once()
    chosen = data.draw(st.lists(levels, unique=True, max_size=3))
    facts, measurements = [], []
    for level in chosen:
        automatic = st.builds(AutomaticValues, levels, numbers, numbers, numbers, numbers, vois)
        exclusion = st.builds(Exclusion, st.sampled_from(ExclusionReason), text, text, st.none() | text)
        measurements.append(
            data.draw(
                st.builds(
                    Measurement,
                    st.just(level),
                    numbers,
                    numbers,
                    numbers,
                    numbers,
                    vois,
                    st.none() | exclusion,
                    st.none() | automatic,
                )
            )
        )
        simple = st.builds(
            VOIFacts,
            st.just(level),
            numbers,
            st.builds(HUPattern, numbers, numbers, numbers, numbers),
            st.none() | st.builds(MidlineContrast, numbers, numbers, numbers),
            st.none() | numbers,
            st.none() | text,
        )
        facts.append(replace(data.draw(simple), automatic=data.draw(st.none() | simple)))
    assessment = data.draw(
        st.builds(Assessment, st.none() | numbers, st.just(("L1",)), st.none(), st.just(()), text=text)
    )
    record = replace(
        base,
        measurements=tuple(measurements),
        quality=replace(base.quality, vois=tuple(facts), unmeasured=(Unmeasured("T12", told(data.draw(text))),)),
        findings=tuple(
            data.draw(st.lists(st.builds(told_finding, st.sampled_from(FindingCode), levels, text), max_size=3))
        ),
        assessment=assessment,
        history=tuple(
            data.draw(
                st.lists(
                    st.builds(HistoryEntry, text, st.none() | levels, plain_values, plain_values, text, text),
                    max_size=2,
                )
            )
        ),
        files=(FileReference(data.draw(text), "ab" * 32),),
        automatic=data.draw(
            st.none() | st.just(AutomaticResult(assessment, NOMINAL, ("T12", "L1"), False, told("No rib in view."), ()))
        ),
        timing_s=data.draw(st.dictionaries(text, numbers, max_size=2)),
    )
    again = Examination.from_json(record.to_json())
    assert again == record
    assert again.timing_s == record.timing_s
    assert again.to_json() == record.to_json()


_made: list[Examination] = []


def examined_once() -> Examination:
    if not _made:
        _made.append(examined())
    return _made[0]


def test_a_number_that_json_has_no_word_for_is_never_written(record):
    first = replace(record.measurements[0], sd_hu=float("nan"))
    broken = replace(record, measurements=(first, *record.measurements[1:]))
    with pytest.raises(ValueError, match="JSON"):
        broken.to_json()


def test_another_version_of_the_record_is_refused_by_name(plain):
    with pytest.raises(UsageError, match="ldct-bmd-examination/0"):
        Examination.from_json(json.dumps({**plain, "schema": "ldct-bmd-examination/0"}))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda values: values.pop("schema"), "no schema"),
        (lambda values: values.pop("scan"), "lacks scan"),
        (lambda values: values.pop("findings"), "findings"),
        (lambda values: values.update(extra=1), "unknown key"),
        (lambda values: values["measurements"][0].update(mean_hu="130"), "mean_hu must be a number"),
        (lambda values: values["measurements"][0]["voi"]["semi_axes_mm"].append(1.0), "a list of 2"),
        (lambda values: values["measurements"][0].update(level="Q7"), "does not exist"),
        (lambda values: values["measurements"][0].update(level="L1"), "twice"),
        (lambda values: values["measurements"][0]["voi"].update(height_mm=-1.0), "contradicts"),
        (lambda values: values["quality"]["vois"].pop(), "VOIs"),
        (
            lambda values: values["findings"].append(
                {"code": "no_such", "level": None, "facts": {}, "message": "", "frozen": False}
            ),
            "known values",
        ),
    ],
)
def test_a_spoilt_record_is_refused_with_where(plain, spoil, told):
    values = json.loads(json.dumps(plain))
    spoil(values)
    with pytest.raises(UsageError, match=told) as caught:
        Examination.from_json(json.dumps(values))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
@pytest.mark.parametrize("where", ['"mean_hu": ', '"old": '])
def test_a_number_that_is_not_finite_is_never_read(record, number, where):
    told = exclude_level(record, "L1", "cyst", "Dr. Reader", "2024-05-06")
    told = replace(told, history=(replace(told.history[0], old=1.5),))
    if where == '"old": ' and number.isdigit():
        pytest.skip("a whole number of any size is finite")
    spoilt = re.sub(where + r"-?[\d.]+", where + number, told.to_json())
    assert spoilt != told.to_json()
    with pytest.raises(UsageError, match="number"):
        Examination.from_json(spoilt)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}'])
def test_what_is_no_record_is_refused(text):
    with pytest.raises(UsageError):
        Examination.from_json(text)


def test_two_runs_compare_equal_whatever_their_time_and_path(record):
    scan = column_scan()
    elsewhere = replace(scan, source=replace(scan.source, file_name="x.nii", choice=None))
    again = replace(examined(elsewhere), timing_s={"read": 99.0})
    assert again == record
    assert again.comparable() == record.comparable()


def test_what_else_the_folder_holds_is_not_compared(record):
    scan = column_scan()
    alone = examined(replace(scan, source=replace(scan.source, other_series=())))
    assert "other_series" in {f.code.value for f in record.findings}
    assert alone.comparable() == record.comparable()


def test_a_changed_number_compares_unequal(record):
    first = replace(record.measurements[0], mean_hu=record.measurements[0].mean_hu + 1e-12)
    changed = replace(record, measurements=(first, *record.measurements[1:]))
    assert changed != record
    assert changed.comparable() != record.comparable()


def test_a_modified_scan_stays_one_in_the_record_and_its_category_is_limited(record):
    scan = column_scan()
    changed = examined(replace(scan, source=replace(scan.source, modified=True)))
    assert Examination.from_json(changed.to_json()) == changed
    assert set(changed.assessment.limited) - set(record.assessment.limited) == {"scan_modified"}


def test_concluding_again_changes_nothing(record):
    assert conclude(record) == record
    assert conclude(Examination.from_json(record.to_json())) == record


def test_findings_come_in_order_of_severity(record):
    scan = column_scan()
    scan = replace(scan, acquisition=replace(scan.acquisition, kvp=140.0))
    severities = [f.severity.value for f in examined(scan, NOMINAL).findings]
    assert severities == ["error", "warning", "info"]


def test_every_code_that_limits_is_told_as_a_finding():
    scan = column_scan()
    scan = replace(scan, acquisition=replace(scan.acquisition, kvp=None, contrast_agent="Iodine"))
    record = examined(scan, NOMINAL, measured=("T12", "L2"), names_certain=False, names_remark=told("No rib in view."))
    found = {finding.code.value for finding in record.findings}
    assert set(record.assessment.limited) == {
        "label_uncertain",
        "single_lumbar_level",
        "nominal_calibration",
        "kvp_unknown",
        "contrast_agent",
        "contrast_uncertain",
    }
    assert set(record.assessment.limited) <= found


def test_the_nominal_calibration_makes_the_category_indicative():
    record = examined(calibration=NOMINAL)
    assert record.assessment.category == "osteopenia"
    assert record.assessment.limited == ("nominal_calibration",)


@pytest.mark.parametrize(
    ("kvp", "material", "code"),
    [(140.0, "K2HPO4", "kvp_mismatch"), (120.0, "hydroxyapatite", "calibration_material")],
)
def test_a_calibration_that_does_not_fit_leaves_the_bmd_but_no_category(kvp, material, code):
    scan = column_scan()
    scan = replace(scan, acquisition=replace(scan.acquisition, kvp=kvp))
    # 125 mg/cm3 of hydroxyapatite may stand for 103 to 122 of K2HPO4: on both sides of a limit.
    record = examined(scan, replace(SITE, material=material, slope=1.0))
    assert record.assessment.category is None
    assert record.assessment.limited == (code,)
    assert record.assessment.mean_bmd_mg_cm3 == pytest.approx(125.0, abs=0.5)


def test_uncertain_names_leave_no_category():
    record = examined(names_certain=False, names_remark=told("No rib is in view."))
    assert record.assessment.category is None
    assert record.assessment.limited == ("label_uncertain",)


def test_a_scan_without_lumbar_levels_says_so():
    record = examined(measured=("T12",))
    assert record.assessment.limited == ("no_lumbar_level",)
    assert [(f.code.value, f.level) for f in record.findings if f.level] == [
        ("not_measured", "L1"),
        ("not_measured", "L2"),
    ]


@pytest.mark.parametrize(
    ("hu", "words"),
    [
        ({"L1": 130.0, "L2": 720.0}, {"L2": "look for metal or cement in its VOI"}),
        # Where all are too dense, no metal is to blame.
        ({"L1": 720.0, "L2": 720.0}, dict.fromkeys(("L1", "L2"), "check the scan's HU and the calibration")),
    ],
)
def test_a_bmd_that_no_bone_has_names_what_may_be_its_cause(hu, words):
    record = examined(measured=("L1", "L2"))
    measured = [replace(m, mean_hu=hu[m.level], bmd_mg_cm3=0.75 * hu[m.level]) for m in record.measurements]
    found = conclude(replace(record, measurements=tuple(measured))).findings
    said = {f.level: f.message for f in found if f.code is FindingCode.IMPLAUSIBLE_BMD}
    assert said.keys() == words.keys()
    assert all(word in said[level] for level, word in words.items())
