"""The codes of a level as Slicer writes them: its own lists have no vertebra by its level, so the module brings one."""

from ..anatomy import SNOMED_CODE

TERMINOLOGY_CONTEXT = "Segmentation category and type - LDCTBoneDensity"
ANATOMICAL_STRUCTURE = "SCT^123037004^Anatomical Structure"
VERTEBRA_CODE = "51282000"  # SNOMED CT "Vertebra", for T13 and L6, which have no code of their own


def terminology_entry(level: str) -> str:
    """Return Slicer's serialised terminology of a level: context, category, type, no modifier, no region."""
    code = SNOMED_CODE[level]
    kind = f"SCT^{code}^{level} vertebra" if code else f"SCT^{VERTEBRA_CODE}^Vertebra"
    return f"{TERMINOLOGY_CONTEXT}~{ANATOMICAL_STRUCTURE}~{kind}~^^~~^^~^^"
