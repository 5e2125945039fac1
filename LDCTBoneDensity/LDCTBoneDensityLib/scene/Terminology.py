"""The module's terminology, for a Slicer that shows and edits it."""

from pathlib import Path
from typing import Any

import vtk

from ldct_bmd.reporting.terminology import TERMINOLOGY_CONTEXT

FILE = (
    Path(__file__).parents[2]
    / "Resources"
    / "Terminologies"
    / "SegmentationCategoryTypeModifier-LDCTBoneDensity.term.json"
)


def loadTerminology(logic: Any) -> None:
    """Let the logic of the Terminologies module know the levels; once is enough."""
    names = vtk.vtkStringArray()
    logic.GetLoadedTerminologyNames(names)
    if TERMINOLOGY_CONTEXT not in {names.GetValue(i) for i in range(names.GetNumberOfValues())}:
        logic.LoadTerminologyFromFile(str(FILE))
