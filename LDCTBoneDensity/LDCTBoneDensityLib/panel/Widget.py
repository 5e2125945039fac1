"""The module's widget: builds the panel and ties it to Slicer's scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

from ldct_bmd.findings import Severity
from ldct_bmd.ground.scratch import sweep_temporary
from ldct_bmd.words import speak

from ..common.FindingsView import noteStyle
from ..common.Labels import loadLabelledUI
from ..common.Telling import telling
from ..scene.SliceViews import SliceViews
from ..work.Application import demandSupported
from ..work.EngineRunner import EngineRunner
from ..work.Installer import Installer
from ..work.Logic import Logic, defaultReader
from ..work.Run import Run
from .Panel import Panel
from .Sections import makeSections
from .Worklisting import Worklisting


class Widget:
    """What the widget class that Slicer looks for hands on to.

    Args:
        owner: that class's instance, with ``layout``, ``resourcePath`` and the observation mixin.
    """

    def __init__(self, owner: Any, logic: Logic) -> None:
        self._owner, self._logic = owner, logic
        sweep_temporary()  # voxels and pages of an application that was killed
        speak(slicer.app.applicationLocaleName, face="panel")  # again after a reload
        window = loadLabelledUI(owner.resourcePath("UI/LDCTBoneDensity.ui"))
        owner.layout.addWidget(window)
        self.ui = slicer.util.childWidgetVariables(window)
        window.setMRMLScene(slicer.mrmlScene)
        self._showVersion()
        self.panel = self._makePanel(window)
        self.worklisting = Worklisting(self.panel.sections.worklist, self.panel)
        self._parameters: Any = None
        self._guiTag: Any = None
        self._volumeNode: Any = None
        scene = slicer.mrmlScene
        owner.addObserver(scene, scene.StartCloseEvent, self._startClose)
        owner.addObserver(scene, scene.EndCloseEvent, self._endClose)
        owner.addObserver(scene, scene.EndImportEvent, self._endImport)
        owner.addObserver(scene, scene.NodeRemovedEvent, self._nodeRemoved)

    def enter(self) -> None:
        """Follow the scene's settings while the panel is on display."""
        self._attach()

    def exit(self) -> None:
        """Leave the settings alone while another module is on display."""
        self._detach()

    def cleanup(self) -> None:
        """Let go of everything."""
        self._detach()
        self._owner.removeObservers()
        self.panel.cleanup()

    def _showVersion(self) -> None:
        """Say at the top if this Slicer is too old; what a scene holds can still be looked at."""
        label = self.ui.versionLabel
        label.setStyleSheet(noteStyle(Severity.ERROR))
        label.setVisible(False)

        def show(sentence: str) -> None:
            label.setText(sentence)
            label.setVisible(True)

        with telling(show):
            demandSupported()

    def _makePanel(self, window: Any) -> Panel:
        installer = Installer(Path(self._owner.resourcePath("requirements.txt")))
        sections = makeSections(
            self.ui,
            window,
            self._owner.resourcePath("UI/Calibrations.ui"),
            SliceViews(_sliceNodes),
            EngineRunner(),
            defaultReader(),
            installer.forReports().ensure,
        )
        self._logic.reader = sections.report.readerOrAsk
        return Panel(sections, self._logic, Run(self._logic, EngineRunner(), installer))

    def _attach(self) -> None:
        self._detach()
        self._parameters = self._logic.parameters()
        if self._parameters.inputVolume is None:
            volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            if volume is not None:
                self._parameters.inputVolume = volume
        self._guiTag = self._parameters.connectGui(self.ui)
        self._owner.addObserver(self._parameters, vtk.vtkCommand.ModifiedEvent, self._parametersChanged)
        self.panel.setParameters(self._parameters)
        self._watchVolume()

    def _detach(self) -> None:
        if self._parameters is not None:
            self._parameters.disconnectGui(self._guiTag)
            self._owner.removeObserver(self._parameters, vtk.vtkCommand.ModifiedEvent, self._parametersChanged)
            self._parameters = None

    def _parametersChanged(self, caller: Any = None, event: Any = None) -> None:
        self.panel.parametersChanged()
        self._watchVolume()

    def _watchVolume(self) -> None:
        """Observe the voxels of the selected volume: numbers must not come from others than were measured."""
        node = self.panel.volumeNode
        if node is self._volumeNode:
            return
        if self._volumeNode is not None:
            self._owner.removeObserver(self._volumeNode, self._volumeNode.ImageDataModifiedEvent, self._voxelsChanged)
        self._volumeNode = node
        if node is not None:
            self._owner.addObserver(node, node.ImageDataModifiedEvent, self._voxelsChanged)

    def _voxelsChanged(self, caller: Any = None, event: Any = None) -> None:
        for review in self._logic.reviews():
            if review.volumeNode is caller:
                review.voxelsChanged()

    def _startClose(self, caller: Any, event: Any) -> None:
        self._detach()
        self.worklisting.forget()
        self.panel.sceneClosed()
        self._watchVolume()

    def _endClose(self, caller: Any, event: Any) -> None:
        if getattr(self._owner.parent, "isEntered", False):
            self._attach()

    def _endImport(self, caller: Any, event: Any) -> None:
        self._logic.renew()
        if getattr(self._owner.parent, "isEntered", False):
            self._attach()

    @vtk.calldata_type(vtk.VTK_OBJECT)  # type: ignore[untyped-decorator]
    def _nodeRemoved(self, caller: Any, event: Any, node: Any) -> None:
        self.panel.nodeRemoved(node)
        self._watchVolume()


def _sliceNodes() -> list[Any]:
    """Return the slice nodes of the views in the layout."""
    manager = slicer.app.layoutManager()
    if manager is None:
        return []
    return [manager.sliceWidget(name).mrmlSliceNode() for name in manager.sliceViewNames()]
