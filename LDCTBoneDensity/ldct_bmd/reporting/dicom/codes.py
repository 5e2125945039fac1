"""Coded concepts of the DICOM objects.

Standard codes where one was found; the rest is of the private scheme ``99LDCTBMD``: DICOM has no code for the bone
density of QCT, and LOINC's bone density codes are for DXA.
"""

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from ...anatomy import SNOMED_CODE

PRIVATE = "99LDCTBMD"
PRIVATE_SCHEME_NAME = "ldct-bmd local codes"

# Archives and hanging protocols match these texts, so they are the same in every language.
SERIES_DESCRIPTION = {
    "seg": "Vertebral bodies (ldct-bmd)",
    "vois": "Trabecular VOIs (ldct-bmd)",
    "sr": "Bone mineral density (ldct-bmd)",
    "report": "Bone mineral density report (ldct-bmd)",
    "overview": "Bone mineral density overview (ldct-bmd)",
}
PLACEMENT = "Elliptic cylinder, Pan et al. 2020"
SEGMENTATION_LABEL = {"seg": "VERTEBRAE", "vois": "VOIS"}
SEGMENTATION_CONTENT = {"seg": "Vertebral bodies", "vois": "Trabecular volumes of interest"}
DEIDENTIFICATION = "ldct-bmd: names, identifiers, dates and UIDs replaced"

ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")
SPATIAL_CONCEPT = codes.SCT.SpatialAndRelationalConcept
VERTEBRAL_BODY = Code("3572006", "SCT", "Vertebral body")
VERTEBRA = codes.SCT.Vertebra
LUMBAR_SPINE = codes.SCT.LumbarSpine
COMPUTED_TOMOGRAPHY = codes.SCT.ComputedTomography
REPORT_TITLE = codes.DCM.ImagingMeasurementReport
SOURCE_CT_NUMBER = codes.DCM.AttenuationCoefficient
HOUNSFIELD = codes.UCUM.HounsfieldUnit
MG_PER_CM3 = Code("mg/cm3", "UCUM", "mg/cm3")
MM3 = Code("mm3", "UCUM", "mm3")
VOLUME = codes.SCT.Volume
MEAN = codes.SCT.Mean
STANDARD_DEVIATION = codes.SCT.StandardDeviation
AREA_OUTLINE = codes.DCM.AreaOutline
CENTER = codes.DCM.Center
EQUATION = codes.DCM.Equation
EQUATION_CITATION = codes.DCM.EquationCitation
COMMENT = codes.DCM.Comment
CONCLUSION = codes.DCM.Conclusion
ARTIFICIAL_INTELLIGENCE = codes.DCM.ArtificialIntelligence

CHINESE = Code("zh-CN", "RFC5646", "Chinese (China)")
TRABECULAR_VOI = Code("VOI", PRIVATE, "Trabecular volume of interest")
ELLIPTIC_CYLINDER = Code("ELLIPTIC_CYLINDER", PRIVATE, "Elliptic cylinder of 9 mm, Pan et al. 2020")
CATEGORY = Code("BMD_CATEGORY", PRIVATE, "Bone mineral density category, L1-L2 mean by QCT")
INCLUSION = Code("INCLUSION", PRIVATE, "Use for the mean")
INCLUDED = Code("INCLUDED", PRIVATE, "In the mean")
REFERENCE = Code("REFERENCE", PRIVATE, "Measured as a reference")
EXCLUDED = Code("EXCLUDED", PRIVATE, "Excluded by the reader")
EXCLUSION_REASON = Code("EXCLUSION_REASON", PRIVATE, "Reason for exclusion")
RULES = Code("BMD_RULES", PRIVATE, "Rule set of the category")
CATEGORY_LIMITS = Code("CATEGORY_LIMITS", PRIVATE, "What limits the category")
RECORD_SHA256 = Code("RECORD_SHA256", PRIVATE, "SHA-256 of the record")
BMD = {
    "K2HPO4": Code("BMD_K2HPO4", PRIVATE, "Trabecular bone mineral density, K2HPO4 equivalent"),
    "hydroxyapatite": Code("BMD_HA", PRIVATE, "Trabecular bone mineral density, hydroxyapatite equivalent"),
}
CATEGORIES = {
    "normal": codes.SCT.Normal,
    "osteopenia": Code("312894000", "SCT", "Osteopenia"),
    "osteoporosis": Code("64859006", "SCT", "Osteoporosis"),
    "severe_osteoporosis": Code("SEVERE_OSTEOPOROSIS", PRIVATE, "Osteoporosis with a confirmed fragility fracture"),
    "not_osteoporosis": Code("NOT_OSTEOPOROSIS", PRIVATE, "Not osteoporosis by the rule set used"),
    None: Code("NO_CATEGORY", PRIVATE, "No category given"),
}


def vertebra(level: str) -> Code:
    """Return the code of a level; "Vertebra" for T13 and L6, which have none of their own."""
    code = SNOMED_CODE[level]
    return VERTEBRA if code is None else Code(code, "SCT", f"{level} vertebra")


def private_scheme() -> CodingSchemeIdentificationItem:
    """Return what tells a reader of the object where the private codes come from."""
    return CodingSchemeIdentificationItem(
        designator=PRIVATE, name=PRIVATE_SCHEME_NAME, version="1", responsible_organization="ldct-bmd"
    )
