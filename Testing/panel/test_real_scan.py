"""A real scan, opened from its file as a user does: the panel and the command line agree on it."""

from pathlib import Path
from typing import Any

import pytest
import slicer
from panel_fixtures import Hands, shift

from ldct_bmd.anatomy import LEVEL_OF_VERSE_VALUE
from ldct_bmd.cli.measuring import Request, measure_scan

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "abdomen_ct_3mm"
BODIES = FOLDER / "vertebral_bodies.nii.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BODIES.is_file(), reason=f"{BODIES} is not there: it is not part of the project"),
]


def ct_file() -> Path:
    return next(path for path in sorted(FOLDER.glob("*.nii.gz")) if path.name.startswith("ct"))


def segments_of(file: Path) -> Any:
    """A label map as a segmentation whose segments are named by their level."""
    labels = slicer.util.loadLabelVolume(str(file))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "bodies")
    slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(labels, node)
    segmentation = node.GetSegmentation()
    for i in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(i)
        segment.SetName(LEVEL_OF_VERSE_VALUE[segment.GetLabelValue()])
        segment.RemoveTag(segment.GetTerminologyEntryTagName())
    slicer.mrmlScene.RemoveNode(labels)
    return node


def test_a_real_scan_is_measured_as_by_the_command_line_and_can_be_corrected(panel: Hands, tmp_path: Path) -> None:
    volume = slicer.util.loadVolume(str(ct_file()))
    panel.choose(volume, segments_of(BODIES))
    panel.click("measureButton")
    panel.finish_run()
    found = panel.examination
    request = Request(
        ct_file(),
        tmp_path / "out",
        segmentation_file=BODIES,
        segmentation_values="verse",
        segmentation_parts="body",
    )
    expected = measure_scan(request, lambda stage, fraction: None).comparable()
    told = found.comparable()
    for values in (expected, told):
        del values["software"]["model_sha256"], values["files"]
    assert told == expected
    panel.table.select("L1")
    before = panel.table.cells("L1")
    shift(panel.review.markups.roi("L1"), 4.0)
    panel.panel.commit()
    assert panel.table.cells("L1")[2] != before[2]
    panel.click("undoButton")
    assert panel.table.cells("L1") == before
