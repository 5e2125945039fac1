"""The stand-in in a real window, under the mouse of an X server."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STANDIN = Path(__file__).resolve().parents[2] / "Standin"

MISSING = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]

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
@pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not installed")
def test_the_mouse_of_a_real_display_drags_an_roi(tmp_path: Path) -> None:
    read, write = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1000x800x24"], pass_fds=[write])
    try:
        os.close(write)
        with os.fdopen(read) as number:
            display = f":{number.readline().strip()}"
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": str(STANDIN)}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240
        )
    finally:
        server.terminate()
        server.wait()
    if "xcb" in run.stderr and "could not be initialized" in run.stderr.replace("no Qt platform plugin ", ""):
        pytest.skip("Qt's xcb plugin does not load here (libxcb-cursor0, libxcb-icccm4, libxcb-keysyms1)")
    line = next((line for line in run.stdout.splitlines() if line.startswith("CENTRE")), "")
    assert line, run.stderr
    assert [float(v) for v in line.split()[1:]] == pytest.approx([8, 5, 0], abs=0.6)  # a pixel is 0.15 mm or so
