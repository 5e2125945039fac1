"""The module's terminology in Slicer."""

from pathlib import Path

import slicer
import vtk

from ldct_bmd.reporting.terminology import TERMINOLOGY_CONTEXT, terminology_entry

FILE = (
    Path(__file__).parents[2]
    / "Resources"
    / "Terminologies"
    / "SegmentationCategoryTypeModifier-LDCTBoneDensity.term.json"
)


class Terminology:
    """Loads the module's terminology and names a level in it."""

    @staticmethod
    def load() -> None:
        """Make Slicer know the terminology; once is enough."""
        logic = slicer.modules.terminologies.logic()
        names = vtk.vtkStringArray()
        logic.GetLoadedTerminologyNames(names)
        if TERMINOLOGY_CONTEXT not in {names.GetValue(i) for i in range(names.GetNumberOfValues())}:
            logic.LoadTerminologyFromFile(str(FILE))

    @staticmethod
    def entry(level: str) -> str:
        """Return Slicer's serialised terminology of a level."""
        return terminology_entry(level)
