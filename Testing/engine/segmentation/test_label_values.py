"""Label values of other tools, by name and by a list."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from test_label_map import BODIES, image_of, scan_of_bone, with_values

from ldct_bmd.cli.measuring import Request, measure_spec
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd.segmentation.label_values import LEVEL_OF_VALUE, LIST, ListedLevel, read_list

# As the tools' own sources say: SPINEPS' README, CADS' bodyparts_labelmaps.py, TotalSpineSeg's tss_map.json.
TARGETS = {
    "spineps": {"T12": 19, "L1": 20, "L2": 21},
    "cads": {"T12": 23, "L1": 22, "L2": 21},
    "cads-552": {"T12": 6, "L1": 5, "L2": 4},
    "totalspineseg": {"T12": 32, "L1": 41, "L2": 42},
}


@pytest.mark.parametrize("values", TARGETS)
def test_a_label_map_of_another_tool_gives_the_same_bodies(tmp_path: Path, values: str) -> None:
    path = tmp_path / "labels.nii.gz"
    sitk.WriteImage(image_of(with_values(BODIES, TARGETS[values])), str(path))
    assert np.array_equal(LabelMapSegmenter(path, values, "body")(scan_of_bone()).labels, BODIES)


def test_transitional_vertebrae_have_the_values_of_their_tools() -> None:
    assert (LEVEL_OF_VALUE["spineps"][28], LEVEL_OF_VALUE["spineps"][25]) == ("T13", "L6")
    assert LEVEL_OF_VALUE["totalspineseg"][46] == "L6"


def test_a_list_of_values_gives_the_same_bodies(tmp_path: Path) -> None:
    path, table = tmp_path / "labels.nii.gz", {"T12": 3, "L1": 1, "L2": 7}
    sitk.WriteImage(image_of(with_values(BODIES, table)), str(path))
    segmenter = LabelMapSegmenter(path, LIST, "body", listed=tuple(ListedLevel(v, k) for k, v in table.items()))
    assert np.array_equal(segmenter(scan_of_bone()).labels, BODIES)


def test_spineps_without_its_labeling_model_is_refused(tmp_path: Path) -> None:
    """It then numbers the vertebrae from the top: 1, 2, 3 would be taken for cervical ones, and 19 for T12."""
    path = tmp_path / "labels.nii.gz"
    sitk.WriteImage(image_of(with_values(BODIES, {"T12": 1, "L1": 2, "L2": 3})), str(path))
    with pytest.raises(CannotMeasure, match="numbers the vertebrae from the top"):
        LabelMapSegmenter(path, "spineps", "body")(scan_of_bone())


LISTS = {
    "nnU-Net 2": {"labels": {"background": 0, "vertebrae_T12": 3, "vertebrae_L1": 1}, "file_ending": ".nii.gz"},
    "nnU-Net 1": {"labels": {"0": "background", "3": "T12", "1": "L1 vertebra"}},
    "name to value": {"T12": 3, "L1": 1, "sacrum": 9, "T12-L1": 91, "L5-S": 100, "disc_L1": 5, "rib_left_T12": 6},
    "value to name": {"3": "T12", "1": "L1"},
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_is_read_in_each_form(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(LISTS[kind]), encoding="utf-8")
    assert read_list(path) == (ListedLevel(3, "T12"), ListedLevel(1, "L1"))


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ({"liver": 1}, "names no vertebra"),
        ([1, 2], "names no vertebra"),
        ({"L1": 1, "L1 body": 2}, "names L1 twice"),
        ({"L1": 1, "L2": 1}, "L1 has no whole number"),
        ({"labels": {"L1": [1, 2]}}, "L1 has no whole number"),
        ({"L1": 0}, "L1 has no whole number"),
        ({"L1": True}, "L1 has no whole number"),
    ],
)
def test_a_list_that_does_not_tell_is_refused(tmp_path: Path, listed: object, told: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(listed), encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        read_list(path)


def test_a_broken_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match=r"list of label values .*own\.json"):
        read_list(path)


def test_the_command_line_takes_a_name_or_a_file(tmp_path: Path) -> None:
    path, labels = tmp_path / "own.json", tmp_path / "labels.nii.gz"
    path.write_text('{"L1": 4}', encoding="utf-8")
    labels.touch()
    asked = Request(tmp_path, tmp_path, segmentation_file=labels, segmentation_parts="whole")

    def spec(values: str) -> object:
        return measure_spec(Request(**{**vars(asked), "segmentation_values": values})).segmentation

    assert spec(str(path)).listed == (ListedLevel(4, "L1"),)
    assert spec("spineps").values == "spineps"
    with pytest.raises(UsageError, match="or a JSON file of label values, not sipneps"):
        spec("sipneps")
