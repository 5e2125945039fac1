"""The panel's engine speaks the language that Slicer is set to."""

import os
import subprocess
import sys

import pytest

from places import MODULE, STANDIN

OPEN = """
import sys
sys.path[:0] = sys.argv[1:3]
import slicer_standin
app = slicer_standin.start()
from slicer_standin.application.modules import load_scripted_module
from pathlib import Path
import slicer
app.settings().setValue("Internationalization/Enabled", sys.argv[3])
app.settings().setValue("language", "zh_CN")
load_scripted_module(Path(sys.argv[2]) / "LDCTBoneDensity.py")
slicer.util.selectModule("LDCTBoneDensity")
panel = slicer.modules.LDCTBoneDensityWidget.widget.panel
panel.parameters.inputVolume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
from ldct_bmd.words import current_language
print(current_language(), ascii(slicer.modules.LDCTBoneDensityWidget.widget.ui.patientLabel.text))
"""


@pytest.mark.parametrize(
    ("enabled", "language", "said"), [("true", "zh", "图像 CT 为空"), ("false", "en", "The volume CT")]
)
def test_the_panel_speaks_the_language_of_slicer(enabled: str, language: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(STANDIN), str(MODULE), enabled],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "LDCT_BMD_LANGUAGE": ""},
    )
    assert done.returncode == 0, done.stderr
    spoken, _, shown = done.stdout.strip().splitlines()[-1].partition(" ")
    assert spoken == language
    assert ascii(said).strip("'") in shown
