"""Bone mineral density of T12, L1 and L2 from low-dose chest CT: the classes that Slicer looks for."""

import sys
from pathlib import Path

import slicer
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class LDCTBoneDensity(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        from ldct_bmd.words import speak, text

        speak(slicer.app.applicationLocaleName, face="panel")
        parent.title = "LDCT Bone Density"
        parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        parent.dependencies = ["Segmentations", "Markups", "Volumes", "Terminologies"]
        parent.contributors = ["The LDCT Bone Density developers"]
        parent.helpText = text("module.help") + self.getDefaultModuleDocumentationLink()
        parent.acknowledgementText = text("module.acknowledgement")
        slicer.app.connect("startupCompleted()", _startUp)


def _startUp() -> None:
    from LDCTBoneDensityLib.work.StartUp import startUp

    startUp()


class LDCTBoneDensityWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.widget = None

    def setup(self) -> None:
        """Build the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        from LDCTBoneDensityLib.panel.Widget import Widget

        self.logic = LDCTBoneDensityLogic()
        self.widget = Widget(self, self.logic.lib)

    def onReload(self) -> None:
        """A developer's "Reload": the module's own packages are read again too."""
        for name in [name for name in sys.modules if name.split(".")[0] in ("LDCTBoneDensityLib", "ldct_bmd")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def enter(self) -> None:
        """The panel comes on display."""
        if self.widget is not None:
            self.widget.enter()

    def exit(self) -> None:
        """The panel goes off display."""
        if self.widget is not None:
            self.widget.exit()

    def cleanup(self) -> None:
        """The module is unloaded."""
        if self.widget is not None:
            self.widget.cleanup()


class LDCTBoneDensityLogic(ScriptedLoadableModuleLogic):
    """The module without its panel.

    Attributes:
        lib: measures volumes and gives their reviews, see :class:`LDCTBoneDensityLib.work.Logic.Logic`.
    """

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleLogic.__init__(self, parent)
        from LDCTBoneDensityLib.work.Logic import Logic

        self.lib = Logic(self.getParameterNode)

    def measure(self, volumeNode, settings=None):
        """Measure a volume and return its review; see :meth:`LDCTBoneDensityLib.work.Logic.Logic.measure`."""
        return self.lib.measure(volumeNode, settings)


class LDCTBoneDensityTest(ScriptedLoadableModuleTest):
    """The module's own test inside Slicer."""

    def setUp(self) -> None:
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run all tests."""
        from LDCTBoneDensityLib.work.Installer import Installer
        from LDCTBoneDensityLib.work.SelfTest import SelfTest

        self.setUp()
        requirements = Path(slicer.util.modulePath("LDCTBoneDensity")).parent / "Resources" / "requirements.txt"
        SelfTest(self, Installer(requirements)).run()
