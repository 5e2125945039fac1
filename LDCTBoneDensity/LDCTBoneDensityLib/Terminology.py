"""The codes of the levels: Slicer's own terminology lists have no vertebra by its level, so the module brings one."""

from pathlib import Path

import slicer
import vtk
from ldct_bmd.anatomy import SNOMED_CODE

CONTEXT = "Segmentation category and type - LDCTBoneDensity"
FILE = (
    Path(__file__).parents[1]
    / "Resources"
    / "Terminologies"
    / "SegmentationCategoryTypeModifier-LDCTBoneDensity.term.json"
)
_CATEGORY = "SCT^123037004^Anatomical Structure"
_ANY_VERTEBRA = "51282000"


class Terminology:
    """Loads the module's terminology and names a level in it."""

    @staticmethod
    def load() -> None:
        """Make Slicer know the terminology; once is enough."""
        logic = slicer.modules.terminologies.logic()
        names = vtk.vtkStringArray()
        logic.GetLoadedTerminologyNames(names)
        if CONTEXT not in {names.GetValue(i) for i in range(names.GetNumberOfValues())}:
            logic.LoadTerminologyFromFile(str(FILE))

    @staticmethod
    def entry(level: str) -> str:
        """Return Slicer's serialised terminology of a level: context, category, type, no modifier, no region."""
        code = SNOMED_CODE[level]
        kind = f"SCT^{code}^{level} vertebra" if code else f"SCT^{_ANY_VERTEBRA}^Vertebra"
        return f"{CONTEXT}~{_CATEGORY}~{kind}~^^~~^^~^^"
