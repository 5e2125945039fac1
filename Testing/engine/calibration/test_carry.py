"""A site's calibration at another tube voltage or with tin: carried over, with what that costs, or not at all."""

import json
import math
import re
from dataclasses import replace

import pytest

from helpers_qa import SCAN, SCANNER, site_calibration
from ldct_bmd.calibration import NOMINAL, Method, entered_calibration
from ldct_bmd.calibration.carry import as_made, for_scan
from ldct_bmd.calibration.choose import choose_calibration
from ldct_bmd.calibration.store import CalibrationStore, StoredCalibration
from ldct_bmd.calibration.transfer import DOUBTED_SHARE, Transfer, Way
from ldct_bmd.calibration.transfers import setting_name, shipped_table
from ldct_bmd.findings import FindingCode
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.quality import calibration_findings, origin_findings, transfer_findings
from places import DOCS

SITE = site_calibration()
AT_100, AT_80 = (replace(SCAN, kvp=kvp) for kvp in (100.0, 80.0))
WITH_TIN = replace(SCAN, kvp=100.0, filter_type="TIN")


def stored(*calibrations) -> list[StoredCalibration]:
    return [StoredCalibration(one, f"2024-05-06T00:00:0{n}+00:00", "A") for n, one in enumerate(calibrations)]


def test_less_slope_at_lower_voltage_and_more_with_tin() -> None:
    slopes = {kvp: for_scan(SITE, replace(SCAN, kvp=kvp)).slope for kvp in (80.0, 100.0, 110.0, 140.0)}
    assert slopes[80.0] < slopes[100.0] < slopes[110.0] < SITE.slope < slopes[140.0]
    assert for_scan(SITE, WITH_TIN).slope > slopes[100.0]


def test_a_carried_calibration_gives_what_the_bone_would_show_at_its_own_voltage() -> None:
    carried = for_scan(SITE, AT_100)
    pair = shipped_table()[0].pair("100", "120")
    assert carried.bmd_mg_cm3(150.0) == pytest.approx(SITE.bmd_mg_cm3(pair.gain * 150.0 + pair.offset_hu))
    assert carried.transfer.table == shipped_table()[1]
    assert (carried.kvp, carried.transfer.kvp, carried.transfer.tin) == (120.0, 100.0, False)


def test_the_table_there_and_back_is_nearly_nothing() -> None:
    table, _ = shipped_table()
    for one in table.pairs:
        back = table.pair(one.made, one.scanned)
        there = one.gain * 140.0 + one.offset_hu
        assert back.gain * there + back.offset_hu == pytest.approx(140.0, abs=2.0)


def test_carrying_over_widens_the_error_by_the_conversions_own() -> None:
    carried = for_scan(SITE, AT_100)
    error = carried.bmd_error([150.0, 140.0], [2.0, 2.0])
    assert error.transfer_mg_cm3 == pytest.approx(carried.transfer.error_mg_cm3(145.0))
    assert error.total_mg_cm3 == pytest.approx(
        math.sqrt(error.noise_mg_cm3**2 + error.calibration_mg_cm3**2 + error.transfer_mg_cm3**2)
    )
    # No less than the doubt about the correction itself.
    shift_hu = carried.transfer.carried_hu(145.0) - 145.0
    assert error.transfer_mg_cm3 > DOUBTED_SHARE * SITE.slope * abs(shift_hu)
    # The line's own error is that at the HU it was made for.
    assert error.calibration_mg_cm3 == pytest.approx(math.sqrt(SITE.fit.variance_at(145.0 + shift_hu)))
    assert SITE.bmd_error([150.0], [2.0]).transfer_mg_cm3 is None


def test_its_identifier_and_what_was_made_come_back() -> None:
    carried = for_scan(SITE, AT_100)
    assert as_made(carried) == SITE
    assert as_made(carried).identifier == SITE.identifier != carried.identifier
    assert for_scan(carried, AT_100) == carried
    assert for_scan(carried, SCAN) == SITE
    assert for_scan(carried, AT_80) == for_scan(SITE, AT_80)
    assert from_plain(type(carried), json.loads(json.dumps(to_plain(carried)))) == carried


def test_the_identifiers_of_calibrations_of_before_stay() -> None:
    assert NOMINAL.identifier == "1077b14d7f15"


@pytest.mark.parametrize(
    ("calibration", "scan"),
    [
        (SITE, SCAN),
        (NOMINAL, AT_100),
        (entered_calibration(0.74, 1.0, "K2HPO4", 120.0), AT_100),
        (SITE, replace(AT_100, scanner=replace(SCANNER, serial="1"))),
        (SITE, replace(SCAN, kvp=None)),
        (SITE, replace(SCAN, kvp=115.0)),
        (replace(SITE, kvp=None), AT_100),
        (SITE, replace(AT_100, filter_type="FLAT")),
        (SITE, replace(AT_100, tin_by_name=True)),
    ],
)
def test_what_is_not_known_is_not_carried(calibration, scan) -> None:
    assert for_scan(calibration, scan) == calibration


def test_the_sites_phantom_at_both_settings_goes_before_the_table() -> None:
    pair = shipped_table()[0].pair("100", "120")
    # As the table's mean scanner, then one whose beam is 4 % softer.
    usual, softer = (
        site_calibration("2024-05-07", kvp=100.0, slope=0.74 * pair.phantom_ratio * k) for k in (1.0, 0.96)
    )
    by_table = for_scan(SITE, AT_100)
    measured = for_scan(SITE, AT_100, [usual])
    assert measured.transfer.way is Way.PHANTOM_SCANS
    assert measured.bmd_mg_cm3(150.0) == pytest.approx(by_table.bmd_mg_cm3(150.0), abs=1.0)
    assert measured.transfer.error_mg_cm3(150.0) < by_table.transfer.error_mg_cm3(150.0)
    assert for_scan(SITE, AT_100, [softer]).slope == pytest.approx(0.96 * measured.slope)


@pytest.mark.parametrize(
    "made",
    [
        {"day": "2024-05-20"},
        {"phantom": "Pad 8"},
        {"kernel_class": "sharp"},
        {"scanner": replace(SCANNER, serial="1")},
        {"method": Method.PAIRS},
        {"filter_type": "TIN"},
        {"slope": 0.54},  # as no beam of 100 kVp has it
    ],
)
def test_phantom_scans_that_do_not_belong_together_are_not_compared(made) -> None:
    other = site_calibration(**({"day": "2024-05-07", "kvp": 100.0, "slope": 0.66} | made))
    assert for_scan(SITE, AT_100, [other]).transfer.way is Way.TABLE


def test_the_store_carries_where_none_fits_and_says_so() -> None:
    calibration, choice = choose_calibration(stored(SITE), AT_100)
    assert as_made(calibration) == SITE
    assert choice.matched
    assert choice.identifier == calibration.identifier
    for words in (SITE.identifier, "120 kVp", "carried over to 100 kVp", "simulated spectra", "14 days before"):
        assert words in str(choice.reason)


def test_one_that_fits_goes_before_one_that_is_carried() -> None:
    own = site_calibration("2024-01-06", kvp=100.0, slope=0.66)
    assert choose_calibration(stored(own, SITE), AT_100)[0] == own


def test_one_that_ran_out_still_tells_how_the_beams_differ() -> None:
    then = [
        site_calibration("2024-01-06"),
        site_calibration("2024-01-06", kvp=100.0, slope=0.66, valid_until="2024-03-01"),
    ]
    calibration, choice = choose_calibration(stored(*then, SITE), AT_100)
    assert as_made(calibration) == SITE
    assert calibration.transfer.way is Way.PHANTOM_SCANS
    assert "phantom" in str(choice.reason)


@pytest.mark.parametrize("made", [{"kernel_class": "sharp"}, {"valid_until": "2024-05-10"}, {"day": "2024-06-01"}])
def test_one_that_differs_in_more_is_not_carried_from_the_store(made) -> None:
    calibration, choice = choose_calibration(stored(site_calibration(**made)), AT_100)
    assert calibration == NOMINAL
    assert not choice.matched


def test_the_nearest_voltage_is_carried() -> None:
    at_140 = site_calibration("2024-05-19", kvp=140.0, slope=0.8)
    assert as_made(choose_calibration(stored(at_140, SITE), AT_100)[0]) == SITE


def test_the_store_keeps_what_was_made(tmp_path) -> None:
    store = CalibrationStore(tmp_path / "site.calibrations")
    assert store.add([for_scan(SITE, AT_100)], "2024-05-06T00:00:00+00:00", "A") == [SITE]


def test_carried_is_limited_and_says_by_which_way_and_how_far() -> None:
    carried = for_scan(SITE, AT_100)
    (found,) = transfer_findings(carried, 120.0)
    assert found.code is FindingCode.CALIBRATION_CARRIED
    error = carried.transfer.error_mg_cm3(120.0)
    shift = carried.bmd_mg_cm3(120.0) - SITE.bmd_mg_cm3(120.0)
    for words in ("120 kVp", "100 kVp", "simulated spectra", f"{shift:+.1f} mg/cm³", f"error of {error:.1f} mg/cm³"):
        assert words in found.message
    assert calibration_findings(carried, 100.0) == []
    assert origin_findings(carried, AT_100) == []
    assert origin_findings(for_scan(SITE, WITH_TIN), WITH_TIN) == []


@pytest.mark.parametrize(
    ("scan", "code"),
    [(AT_80, FindingCode.KVP_MISMATCH), (replace(SCAN, filter_type="TIN"), FindingCode.BEAM_FILTER_MISMATCH)],
)
def test_too_uncertain_a_transfer_forbids_as_before(scan, code) -> None:
    carried = for_scan(SITE, scan)
    hu = next(float(hu) for hu in range(50, 1000, 10) if carried.transfer.error_mg_cm3(float(hu)) >= 5.0)
    assert [one.code for one in transfer_findings(carried, hu)] == [code]
    assert [one.code for one in transfer_findings(carried, hu - 10.0)] == [FindingCode.CALIBRATION_CARRIED]


def test_a_transfer_that_cannot_be_is_refused() -> None:
    good = for_scan(SITE, AT_100).transfer
    for change in ({"gain": 0.0}, {"sd_hu": -1.0}, {"offset_hu": math.inf}):
        with pytest.raises(UsageError, match="conversion to another tube voltage"):
            replace(good, **change)
    assert isinstance(good, Transfer)


def test_settings_are_named_as_scanners_name_them() -> None:
    assert (setting_name(80.0, False), setting_name(150.0, True), setting_name(None, True)) == ("80", "Sn150", None)


def test_the_errors_that_the_documentation_tells_are_those_of_the_table() -> None:
    page = (DOCS / "explanation" / "tube-voltage.md").read_text(encoding="utf-8")
    row = re.compile(
        r"^\| (Sn)?(\d+)(?: kVp)? \| (?:about )?([\d.]+)(?:,[^|]*)? \| (?:about )?([\d.]+)(?:,[^|]*)? \|$", re.MULTILINE
    )
    told = row.findall(page)
    assert len(told) == 9
    slope = 0.74
    for tin, kvp, *errors in told:
        setting = replace(SCAN, kvp=float(kvp), filter_type="TIN" if tin else None)
        carried = for_scan(replace(SITE, slope=slope, intercept_mg_cm3=0.0), setting)
        for mean, error in zip((80.0, 120.0), errors, strict=True):
            hu = (mean - carried.intercept_mg_cm3) / carried.slope
            assert carried.transfer.error_mg_cm3(hu) == pytest.approx(float(error), abs=0.06)
