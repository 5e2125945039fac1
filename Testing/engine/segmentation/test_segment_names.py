"""Segments of a Slicer segmentation are the levels that they are named after, whatever their values."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from helpers_vertebra import column
from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd.segmentation.segment_names import named_levels


def segmentation(path: Path, labels: np.ndarray, names: dict[int, str]) -> Path:
    image = sitk.GetImageFromArray(labels.astype(np.uint8))
    for number, (value, name) in enumerate(names.items()):
        for key, text in (("ID", f"Segment_{value}"), ("Name", name), ("LabelValue", str(value)), ("Layer", "0")):
            image.SetMetaData(f"Segment{number}_{key}", text)
    sitk.WriteImage(image, str(path))
    return path


def test_names_count_and_not_values(tmp_path: Path) -> None:
    whole = column()[1]
    renumbered = np.zeros_like(whole)
    for value, level in ((1, "T12"), (2, "L1"), (3, "L2")):
        renumbered[whole == VERSE_VALUE[level]] = value
    path = segmentation(tmp_path / "made.seg.nrrd", renumbered, {1: "vertebrae_T12", 2: "L1 body", 3: "L2", 9: "liver"})
    assert named_levels(path) == {1: "T12", 2: "L1", 3: "L2"}
    segmenter = LabelMapSegmenter(path, "verse", "body")
    voxels = sitk.GetArrayFromImage(segmenter.read())
    found = segmenter._verse_values(voxels)
    np.testing.assert_array_equal(found, whole)


def test_without_names_values_count(tmp_path: Path) -> None:
    whole = column()[1]
    path = segmentation(tmp_path / "plain.nrrd", whole, {})
    assert named_levels(path) == {}
    found = LabelMapSegmenter(path, "verse", "body")._verse_values(whole.astype(np.uint16))
    np.testing.assert_array_equal(found, whole)


def test_two_segments_of_one_name_are_refused(tmp_path: Path) -> None:
    path = segmentation(tmp_path / "twice.seg.nrrd", column()[1], {20: "L1", 21: "vertebra L1"})
    with pytest.raises(CannotMeasure, match=r"Two segments of twice\.seg\.nrrd are named L1"):
        named_levels(path)


def test_a_mask_whose_header_contradicts_itself_is_refused(tmp_path: Path) -> None:
    import nibabel

    image = nibabel.Nifti1Image(column()[1].astype(np.uint8), np.diag([3.0, 3.0, 3.0, 1.0]))
    image.header["pixdim"][1:4] = (2.9, 2.9, 2.9)
    path = tmp_path / "mask.nii"
    with path.open("wb") as file:
        image.header["vox_offset"], image.header["magic"] = 352, b"n+1"
        image.header.set_qform(None, 0)
        image.header.set_sform(np.diag([3.0, 3.0, 3.0, 1.0]), 1)
        image.header["pixdim"][1:4] = (2.9, 2.9, 2.9)
        image.header.write_to(file)
        file.write(b"\0" * (352 - file.tell()))
        file.write(np.asarray(image.dataobj).tobytes(order="F"))
    with pytest.raises(CannotMeasure, match=r"2\.9 x 2\.9 x 2\.9 mm by pixdim"):
        LabelMapSegmenter(path, "verse", "body").read()
