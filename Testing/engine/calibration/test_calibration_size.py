"""The patient's size: water-equivalent diameter by AAPM Report 220, and what it adds."""

import numpy as np
import pytest

from helpers_voi import CENTER_LPS_MM, UPRIGHT, grid, offsets_mm, scan_of
from ldct_bmd.calibration.size import REFERENCE_MM, BodySize, body_size, size_error_mg_cm3
from ldct_bmd.voi import CylinderVOI

VOI = CylinderVOI(tuple(CENTER_LPS_MM.tolist()), (12.5, 8.4), UPRIGHT, 9.0)


def trunk(radius_mm=140.0, hu=0.0, lung_mm=0.0, table=False, noise_hu=0.0, field_mm=380.0, circle=False):
    geometry = grid((0.9, 0.9, 3.0), (field_mm, field_mm, 12.0))
    x, y, _ = offsets_mm(geometry)
    values = np.full(geometry.shape, -1000.0)
    values[np.hypot(x, y) < radius_mm] = hu
    values[np.hypot(x, y - 20.0) < lung_mm] = -850.0
    if table:
        values[(np.abs(y - radius_mm - 12.0) < 1.0) & (np.abs(x) < 150.0)] = 100.0
    values += np.random.default_rng(0).normal(0.0, noise_hu, geometry.shape)
    if circle:
        values[np.hypot(x, y) > field_mm / 2.0] = -2048.0
    return scan_of(np.rint(values).astype(np.int16), geometry)


@pytest.mark.parametrize("noise_hu", [0.0, 60.0])
def test_a_cylinder_of_water_is_its_own_diameter(noise_hu) -> None:
    size = body_size(trunk(noise_hu=noise_hu), VOI)
    assert size.water_equivalent_mm == pytest.approx(280.0, abs=3.0)
    assert not size.cut


def test_fat_counts_less_and_air_inside_little_and_the_table_not() -> None:
    fat = body_size(trunk(hu=-100.0), VOI)
    assert fat.water_equivalent_mm == pytest.approx(280.0 * 0.9**0.5, abs=3.0)
    lungs = body_size(trunk(lung_mm=70.0, table=True), VOI)
    assert lungs.water_equivalent_mm == pytest.approx(2.0 * (140.0**2 - 0.85 * 70.0**2) ** 0.5, abs=3.0)


@pytest.mark.parametrize(
    ("field_mm", "circle", "cut"), [(380.0, True, False), (240.0, False, True), (250.0, True, True)]
)
def test_a_field_that_cuts_the_patient_is_told(field_mm, circle, cut) -> None:
    size = body_size(trunk(field_mm=field_mm, circle=circle, noise_hu=20.0), VOI)
    assert size.cut is cut


def test_no_body_has_no_size() -> None:
    assert body_size(trunk(radius_mm=0.0), VOI) is None


def test_the_farther_from_the_reference_the_more_it_adds() -> None:
    at = {mm: size_error_mg_cm3(BodySize(REFERENCE_MM + mm, False)) for mm in (-60.0, 0.0, 30.0, 60.0)}
    assert at[0.0] == 0.0
    assert at[-60.0] == at[60.0] == pytest.approx(2.0 * at[30.0])
    # Published: 0 to 0.12 mg/cm3 per mm.
    assert 0.0 < at[30.0] < 3.6


def test_of_a_patient_who_is_cut_less_is_known() -> None:
    seen, cut = (size_error_mg_cm3(BodySize(mm, is_cut)) for mm, is_cut in ((260.0, False), (200.0, True)))
    assert cut > seen
