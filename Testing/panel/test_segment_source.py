"""Vertebrae that are in the scene already: which segment is which level."""

from typing import Any

import numpy as np
import pytest
import slicer

from ldct_bmd.anatomy import level_in_name


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("L1", "L1"),
        ("vertebrae_L1", "L1"),
        ("Th12", "T12"),
        ("L 2 body", "L2"),
        ("T1 vertebra", "T1"),
        ("L1-L2 disc", None),
        ("L1/2", None),
        ("liver", None),
        ("T14", None),
        ("L10", None),
        ("ALL1", None),
    ],
)
def test_a_segments_name_tells_its_level_or_nothing(application: Any, name: str, level: str | None) -> None:

    assert level_in_name(name) == level


def test_terminology_goes_before_the_name(application: Any) -> None:
    from ldct_bmd.reporting.terminology import terminology_entry
    from LDCTBoneDensityLib.scene.SegmentSource import SegmentSource

    segment = slicer.vtkSegment()
    segment.SetName("my segment")
    segment.SetTag(segment.GetTerminologyEntryTagName(), terminology_entry("T12"))
    assert SegmentSource.levelOf(segment) == "T12"


def test_two_segments_of_one_level_are_refused(application: Any, ct: Any) -> None:
    from LDCTBoneDensityLib.scene.SegmentSource import SegmentSource
    from LDCTBoneDensityLib.scene.VolumeReader import VolumeReader

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.GetSegmentation().AddEmptySegment("a", "L1")
    node.GetSegmentation().AddEmptySegment("b", "vertebrae L1")
    from ldct_bmd.ground.errors import UsageError

    with pytest.raises(UsageError, match="Two segments"):
        SegmentSource.labels(node, VolumeReader(ct))


def test_a_segmentation_on_another_grid_is_brought_to_the_volumes(application: Any, ct: Any) -> None:
    from LDCTBoneDensityLib.scene.SegmentSource import SegmentSource
    from LDCTBoneDensityLib.scene.VolumeReader import VolumeReader

    coarse = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, ct, "coarse")
    spacing, shape = np.array(ct.GetSpacing()) * 2, np.array(slicer.util.arrayFromVolume(ct).shape) // 2
    slicer.util.updateVolumeFromArray(coarse, np.zeros(shape, dtype=np.int16))
    coarse.SetSpacing(*spacing)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetReferenceImageGeometryParameterFromVolumeNode(coarse)
    segment = node.GetSegmentation().AddEmptySegment("", "L1")
    mask = np.zeros(shape, dtype=np.uint8)
    mask[10:20, 20:40, 20:40] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment, coarse)
    labels = SegmentSource.labels(node, VolumeReader(ct))
    assert labels.max() == 20
    assert (labels > 0).sum() == pytest.approx(8 * mask.sum(), rel=0.1)
