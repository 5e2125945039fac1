"""The stand-in in a real window, under the mouse of an X server."""

from pathlib import Path

import pytest

from helpers_display import display, run_there

STANDIN = Path(__file__).resolve().parents[2] / "Standin"

SCRIPT = """
import numpy as np
import slicer_standin
app = slicer_standin.start()
import slicer
from slicer_standin import mouse
window = slicer.util.mainWindow()
window.resize(900, 700)
window.move(0, 0)
window.show()
volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
slicer.util.updateVolumeFromArray(volume, np.zeros((40, 40, 40), np.int16))
volume.SetOrigin(-20, -20, -20)
volume.CreateDefaultDisplayNodes()
slicer.util.setSliceViewerLayers(background=volume, fit=True)
roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "VOI")
roi.CreateDefaultDisplayNodes()
roi.SetSize(10, 10, 10)
roi.GetDisplayNode().SetHandlesInteractive(True)
mouse.process_events(2.0)
view = app.layoutManager().sliceWidget("Red").sliceView()
mouse.real_drag(view, mouse.slice_pixel(view, (0, 0, 0)), mouse.slice_pixel(view, (8, 5, 0)))
print("CENTRE", *roi.GetCenter())
"""


@pytest.mark.slow
def test_the_mouse_of_a_real_display_drags_an_roi(tmp_path: Path) -> None:
    with display(1000, 800) as name:
        printed = run_there(["-c", SCRIPT], name, tmp_path, STANDIN)
    (line,) = [line for line in printed.splitlines() if line.startswith("CENTRE")]
    assert [float(v) for v in line.split()[1:]] == pytest.approx([8, 5, 0], abs=0.6)  # a pixel is 0.15 mm or so
