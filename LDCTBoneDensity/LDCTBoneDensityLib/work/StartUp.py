"""What the application gets to know of the module when it starts, before the panel is opened."""

from pathlib import Path
from typing import Any

import slicer

from ldct_bmd.words import text

from ..scene.Terminology import loadTerminology

CATEGORY = "LDCTBoneDensity"


def startUp() -> None:
    """Load the terminology, so that segments of saved scenes have their names, and offer the sample data."""
    loadTerminology(slicer.modules.terminologies.logic())
    if hasattr(slicer.modules, "sampledata"):
        registerSampleData()


def registerSampleData() -> None:
    """Offer a made-up scan with its vertebrae in the module Sample Data: it is computed, not downloaded."""
    from SampleData import SampleDataLogic

    SampleDataLogic.registerCustomSampleDataCategory(CATEGORY, title=text("application.title"))
    icon = Path(__file__).parents[2] / "Resources" / "Icons" / "LDCTBoneDensity.png"
    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=text("application.sample"),
        uris=[],
        fileNames=[],
        customDownloader=makeSample,
        thumbnailFileName=str(icon),
    )


def makeSample(_source: Any = None) -> list[Any]:
    """Put the made-up scan and its segmentation into the scene; return their nodes."""
    from .MadeUpScan import madeUpScan

    volumeNode, segmentationNode = madeUpScan()
    volumeNode.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)
    return [volumeNode, segmentationNode]
