"""A phantom that lies in air alone: read without soft tissue, and refused for everything else that a patient is."""

import numpy as np
import pytest
import SimpleITK as sitk

from helpers_dicom import as_image, datasets, save
from helpers_qa import PAD, TILTED
from ldct_bmd.calibration.phantom.find import find_phantom
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan import read_scan
from ldct_bmd_lab.phantom.qa import QAPhantomSpec, build_qa_scan

ALONE = QAPhantomSpec(PAD, size=(320, 320, 24), table=False, **TILTED)


@pytest.fixture(scope="module")
def alone():
    """The pad in a field of view of 512 mm."""
    return build_qa_scan(ALONE)


@pytest.fixture(scope="module", params=["dicom", "file"])
def stored(request, alone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    image = as_image(alone.hu, alone.geometry.spacing_mm, alone.geometry.origin_lps_mm)
    if request.param == "dicom":
        save(datasets(image), folder)
        return folder
    sitk.WriteImage(image, str(folder / "pad.nii.gz"))
    return folder / "pad.nii.gz"


def test_a_phantom_in_air_alone_is_read_but_as_no_scan_of_a_patient(stored, alone):
    assert np.array_equal(read_scan(stored, of_patient=False).hu, alone.hu)
    with pytest.raises(CannotMeasure, match="no soft tissue"):
        read_scan(stored)


def test_its_rods_are_found(alone):
    assert find_phantom(alone, PAD).fit.slope == pytest.approx(ALONE.slope, rel=0.01)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda hu: hu + 1024, "offset"),
        (lambda hu: hu + 300, "Air is at"),
        (lambda hu: hu - 300, "below air"),
        (lambda hu: -hu, "inverted"),
        (lambda hu: np.maximum(hu, -200), "no air or lung"),
        (lambda hu: np.where(hu > 0, np.nan, hu), "not numbers"),
    ],
)
def test_values_that_are_no_hounsfield_units_are_refused_of_a_phantom_too(tmp_path, alone, change, word):
    path = tmp_path / "changed.mha"
    values = change(alone.hu.astype(np.float32))
    sitk.WriteImage(as_image(values, alone.geometry.spacing_mm, alone.geometry.origin_lps_mm), str(path))
    with pytest.raises(CannotMeasure, match=word):
        read_scan(path, of_patient=False)


def test_a_volume_that_is_too_small_is_refused_of_a_phantom_too(tmp_path, alone):
    path = tmp_path / "small.mha"
    sitk.WriteImage(as_image(alone.hu[:3], alone.geometry.spacing_mm, alone.geometry.origin_lps_mm), str(path))
    with pytest.raises(CannotMeasure, match="too small"):
        read_scan(path, of_patient=False)
