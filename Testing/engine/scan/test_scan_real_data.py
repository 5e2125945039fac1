"""Reading the real scans beside the project."""

from pathlib import Path

import numpy as np
import pytest

from ldct_bmd.scan import ChoiceReason, list_series, read_scan
from ldct_bmd.words import Phrase
from places import DATA


def folder(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not here: the real scans are not part of the project")
    return path


def assert_stands_upright(hu: np.ndarray) -> None:
    """Less lung near the bottom than in the middle; the middle column's bone, the spine, at the back."""
    lung = (hu[:, 150:350:4, 100:400:4] < -700).mean(axis=(1, 2))
    assert lung[:20].mean() < 0.8 * lung[100:150].mean()
    bone = hu[::8, ::4, 230:282:4] > 250
    assert np.nonzero(bone)[1].mean() > 64


def test_the_axial_chest_series_is_chosen_and_the_reformat_named():
    scan = read_scan(folder("chest_ct_dicom"))
    assert scan.hu.shape == (248, 512, 512)
    assert scan.hu.dtype == np.int16
    assert scan.hu.min() == -1024
    assert scan.geometry.spacing_mm == pytest.approx((0.703125, 0.703125, 1.25))
    assert scan.acquisition.kvp == 120
    assert scan.acquisition.kernel == "STANDARD"
    assert len(set(scan.source.sop_instance_uids)) == 248
    (other,) = scan.source.other_series
    assert (other.slices, other.unsuitable) == (20, Phrase("unsuitable.sagittal"))
    assert (other.series_uid, other.description) == ("", ""), "it is another patient's"
    assert_stands_upright(scan.hu)


def test_the_two_pet_ct_visits_are_told_apart_and_the_lower_chosen():
    path = folder("petct_low_dose_dicom")
    series = list_series(path)
    assert [(s.slices, s.spacing_z_mm, s.unsuitable) for s in series] == [(99, 4.25, None)] * 2
    chosen = read_scan(path)
    (other,) = chosen.source.other_series
    assert chosen.source.choice.reason is ChoiceReason.LOWER
    assert other.series_uid
    named = read_scan(path, series_uid=other.series_uid)
    assert named.geometry.origin_lps_mm[2] > chosen.geometry.origin_lps_mm[2] + 400
    assert chosen.acquisition.kvp == named.acquisition.kvp == 140
    assert named.source.series_uid == other.series_uid


def test_the_abdomen_is_brought_to_lps():
    scan = read_scan(folder("abdomen_ct_3mm") / "ct.nii.gz")
    assert scan.hu.dtype == np.int16
    assert scan.geometry.spacing_mm == pytest.approx((3.0, 3.0, 3.0))
    np.testing.assert_allclose(scan.geometry.direction, np.eye(3), atol=1e-6)
    assert scan.acquisition.kvp is None
