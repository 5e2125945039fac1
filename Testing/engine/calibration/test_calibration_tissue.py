"""The patient's own tissues as a warning light: what it sees, what it tells, and that it changes no number."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_record import column_scan, examined
from helpers_voi import CENTER_LPS_MM, UPRIGHT, grid, offsets_mm, scan_of
from ldct_bmd.calibration.tissue import FAT_HU, TissueHU, blood_is_enhanced, tissue_hu, unlikely_tissues
from ldct_bmd.examination import Examination, conclude
from ldct_bmd.findings import Effect, FindingCode
from ldct_bmd.quality import shows_contrast, tissue_findings
from ldct_bmd.voi import CylinderVOI

VOI = CylinderVOI(tuple(CENTER_LPS_MM.tolist()), (12.5, 8.4), UPRIGHT, 9.0)
NORMAL = TissueHU(-1000.0, -105.0, 45.0, 40.0)


def trunk(offset_hu=0.0, blood_hu=40.0, noise_hu=30.0, bone_hu=220.0, air=True, seed=0):
    """A trunk in air, its vertebra in the middle: fat under the skin, muscle, aorta in front and to the left."""
    geometry = grid((1.5, 1.5, 3.0), (360.0, 260.0, 30.0))
    x, y, _ = offsets_mm(geometry)
    hu = np.full(geometry.shape, -1000.0 if air else -105.0)
    hu[(x / 160) ** 2 + ((y + 20) / 100) ** 2 < 1] = -105.0
    hu[(x / 130) ** 2 + ((y + 20) / 75) ** 2 < 1] = 45.0
    hu[np.hypot(x - 18, y + 34) < 13] = blood_hu
    body = (x / 26) ** 4 + (y / 19) ** 4 < 1  # large and nearly square
    hu[body] = bone_hu
    hu += offset_hu + np.random.default_rng(seed).normal(0.0, noise_hu, geometry.shape)
    return scan_of(np.rint(hu).astype(np.int16), geometry)


def test_each_tissue_is_measured_in_low_dose_noise():
    seen = tissue_hu(trunk(noise_hu=60.0), VOI)
    assert seen.air_hu == pytest.approx(-1000.0, abs=5.0)
    assert seen.fat_hu == pytest.approx(-105.0, abs=5.0)
    assert seen.muscle_hu == pytest.approx(45.0, abs=5.0)
    assert unlikely_tissues(seen) == []
    assert not blood_is_enhanced(seen)


@pytest.mark.parametrize(("offset", "found"), [(0.0, []), (25.0, ["fat", "muscle"]), (-25.0, ["fat"])])
def test_a_scanner_that_is_far_off_is_seen_in_the_tissues(offset, found):
    told = [str(one) for one in unlikely_tissues(tissue_hu(trunk(offset), VOI))]
    assert [words.split()[0] for words in told if words.split()[0] != "air"] == found or (
        set(found) <= {words.split()[0] for words in told}
    )


def test_an_offset_of_10_hu_is_within_what_patients_differ_by():
    # Stated in the module: the published 95 % interval of fat is 34 HU wide.
    assert FAT_HU[1] - FAT_HU[0] > 20.0
    assert unlikely_tissues(tissue_hu(trunk(10.0), VOI)) == []


def test_contrast_agent_in_the_aorta_is_seen_and_the_vertebra_is_not_taken_for_it():
    assert blood_is_enhanced(tissue_hu(trunk(blood_hu=180.0), VOI))
    assert tissue_hu(trunk(blood_hu=180.0), VOI).vessel_hu == pytest.approx(180.0, abs=10.0)
    assert not blood_is_enhanced(tissue_hu(trunk(noise_hu=60.0), VOI))
    assert not blood_is_enhanced(tissue_hu(trunk(noise_hu=5.0), VOI))


def test_a_scan_cut_to_the_spine_tells_what_it_can():
    cut = tissue_hu(column_scan(), examined().measurement("L1").voi)
    assert (cut.air_hu, cut.fat_hu) == (None, None)
    assert unlikely_tissues(cut) == []


def test_the_findings_name_the_tissue_and_its_range():
    (found,) = tissue_findings(replace(NORMAL, fat_hu=-70.0), has_contrast=False)
    assert found.code is FindingCode.TISSUE_HU
    assert "fat has -70 HU (-123 to -89 expected)" in found.message
    assert tissue_findings(NORMAL, has_contrast=False) == []
    assert tissue_findings(None, has_contrast=False) == []


@pytest.mark.parametrize("offset", [24.0, -24.0])
def test_a_scale_that_all_tissues_say_is_shifted_limits_the_category(offset):
    """1000 taken for 1024, or the other way round: BMD is off by about 18 mg/cm3."""
    (found,) = tissue_findings(tissue_hu(trunk(offset, blood_hu=15.0), VOI), has_contrast=False)
    assert found.code is FindingCode.HU_OFFSET
    assert found.code.effect is Effect.LIMITS
    assert float(found.facts["offset_hu"]) == pytest.approx(abs(offset), abs=8.0)
    assert found.message.startswith(f"The HU scale looks shifted {'up' if offset > 0 else 'down'} by about ")
    assert all(tissue in found.message for tissue in ("air", "fat", "muscle"))


@pytest.mark.parametrize(
    "seen",
    [
        replace(NORMAL, fat_hu=-70.0),  # the others say nothing of it
        TissueHU(None, -60.0, None, None),  # one tissue is one patient's
        TissueHU(-1000.0, -100.0, 90.0, 180.0),  # a contrast agent, which muscle takes up
        TissueHU(-1016.8, -100.9, 48.2, 67.9),  # a low-dose scan with a sharp kernel
    ],
)
def test_tissues_that_do_not_agree_shift_no_scale(seen):
    assert FindingCode.HU_OFFSET not in [f.code for f in tissue_findings(seen, shows_contrast(None, seen))]


def test_the_aorta_is_followed_along_the_spine():
    discs = tissue_hu(trunk(blood_hu=180.0), VOI).vessel
    x, y, _ = VOI.center_lps_mm
    assert len(discs) >= 2
    for disc in discs:
        assert np.hypot(disc.center_lps_mm[0] - x - 18.0, disc.center_lps_mm[1] - y + 34.0) < 8.0
        assert disc.mean_hu == pytest.approx(180.0, abs=10.0)
    assert [disc.center_lps_mm[2] for disc in discs] == sorted((d.center_lps_mm[2] for d in discs), reverse=True)


def test_it_is_a_warning_light_and_changes_no_number():
    record = examined()
    lit = conclude(replace(record, quality=replace(record.quality, tissue=replace(NORMAL, fat_hu=-60.0))))
    assert FindingCode.TISSUE_HU.effect is Effect.NONE
    assert "tissue_hu" in {f.code.value for f in lit.findings}
    assert lit.measurements == record.measurements
    assert lit.assessment == record.assessment
    assert Examination.from_json(lit.to_json()) == lit
