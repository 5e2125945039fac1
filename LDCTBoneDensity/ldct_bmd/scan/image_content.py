"""What a DICOM series shows, and whether Hounsfield units of bone can be read from it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..words import Phrase
from .dicom_headers import SliceHeader

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_ENHANCED_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

_SPECTRAL_TYPES = re.compile(
    r"MONO(?!CHROME)|VMI|KEV|VIRTUAL|MAT_|MATERIAL|ENERGY_PROP|ELECTRON_DENSITY|EFF_ATOMIC|PHOTOELECTRIC|COMPTON"
    r"|IODINE|WATER|CALCIUM|VNC|VNCA|Z_EFF|RHO"
)
_SPECTRAL_WORDS = re.compile(
    r"\bMONO(?!CHROME)[-_ ]?[A-Z]*|\bVMI\b|\d{2,3} ?KEV\b|\bKEV\b|\bVNC[A]?\b|\bVUE\b|VIRTUAL NON|IODINE|\bZ[-_ ]?EFF\b"
    r"|EFFECTIVE Z|ELECTRON DENSITY|\bRHO\b|OVERLAY|CALCIUM SUPP|CA[- ]?SUPP|URIC ACID|BONE MARROW"
    r"|MATERIAL|WATER ?\(|\(WATER\)|\(IODINE\)|\(HAP\)|\(CALCIUM\)"
)
# Siemens' kernels that put bone on another scale: Sd (electron density), Sa (as if at 120 kV), E..s (older, density).
_OTHER_SCALES = re.compile(r"^(S[AD]\d{2}|E\d{2}S)")
_DENSITY_WORDS = re.compile(r"DIRECT ?DENSITY")
# Slopes are 1 as a rule, and fractions or a few units where scales are extended.
_SHOWN = 40  # letters of a value
MOST_SLOPE, MOST_INTERCEPT = 64.0, 70000.0
_MATERIAL_UNITS = ("MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT")  # DICOM PS3.3 C.11.1.1.2
_PROJECTION_TYPES = re.compile(r"^(MIP|MINIP|MAX_IP|MIN_IP|PROJECTION IMAGE|VRT?|VOLUME_RENDERED)$")
_PROJECTION_WORDS = re.compile(r"\b(MIP|MINIP|MIPS|MAX ?IP|VRT)\b|VOLUME RENDER|RAYSUM")
_REFORMAT_TYPES = re.compile(r"REFORMAT|^(CSA )?MPR|^CPR$|CURVED|RESAMPLED")
_REFORMAT_WORDS = re.compile(r"\b(MPR|REFORMAT(TED)?|CPR)\b")
_LOCALIZER_WORDS = re.compile(r"\b(SCOUT|TOPOGRAM|LOCALI[SZ]ER|SURVIEW|SCANOGRAM|SCOUTS)\b")
_REPORT_WORDS = re.compile(r"DOSE (REPORT|INFO)|PATIENT PROTOCOL|SCREEN ?SAVE|DOSE_INFO")
_SUBTRACTED = re.compile(r"SUBTRACT|PERFUSION|\b(CBF|CBV|MTT)\b")
_ELSEWHERE = re.compile(
    r"HEAD|BRAIN|SKULL|CRANI|\b(FACE|FACIAL|SINUS|ORBITS?|TEMPORAL|NECK|CERVICAL|C[- ]?SPINE|KNEES?|ANKLES?|FOOT|FEET"
    r"|HANDS?|WRISTS?|ELBOWS?|SHOULDERS?|LEGS?|EXTREMITY|PELVIS)\b"
)
_SPINE_REGION = re.compile(r"CHEST|THORA|LUNG|ABD|LUMBAR|TORSO|WHOLE ?BODY|\b(TAP|CAP|L[- ]?SPINE|T[- ]?SPINE)\b")


_REFORMAT_IN_PLANE = {"sagittal": "unsuitable.sagittal", "coronal": "unsuitable.coronal"}


@dataclass(frozen=True)
class Unsuitable:
    """Why a series is not measured.

    Attributes:
        reason: a clause that follows "cannot be measured: ".
        on_request: a user who names the series may have it measured all the same.
    """

    reason: Phrase
    on_request: bool = False


def why_unsuitable(headers: Sequence[SliceHeader]) -> Unsuitable | None:
    """Say why the content of a series is not to be measured, None if it may be; judged by the headers alone."""
    first = headers[0]
    return _no_ct(first) or _not_hounsfield(headers) or _not_a_scan(headers)


def _no_ct(first: SliceHeader) -> Unsuitable | None:
    modality, sop_class = first.text("Modality"), first.text("SOPClassUID") or ""
    if modality is None:
        return Unsuitable(Phrase("unsuitable.no_modality"))
    if modality != "CT":
        return Unsuitable(Phrase("unsuitable.other_modality", {"modality": modality}))
    if sop_class.startswith(_SECONDARY_CAPTURE):
        return Unsuitable(Phrase("unsuitable.secondary_capture"))
    if sop_class in _ENHANCED_CT or (first.number("NumberOfFrames") or 1) > 1:
        return Unsuitable(Phrase("unsuitable.multi_frame"))
    if sop_class != CT_IMAGE or first.number("Rows") is None or first.number("Columns") is None:
        return Unsuitable(Phrase("unsuitable.no_ct_images"))
    return None


def _not_hounsfield(headers: Sequence[SliceHeader]) -> Unsuitable | None:
    first = headers[0]
    if any((h.number("SamplesPerPixel") or 1) != 1 for h in headers):
        return Unsuitable(Phrase("unsuitable.colour"))
    if any((h.number("BitsStored") or 16) <= 8 for h in headers):
        return Unsuitable(Phrase("unsuitable.eight_bits"))
    words = _words(first)
    types = "\\".join(first.image_type[2:])
    if _SPECTRAL_TYPES.search(types) or _SPECTRAL_WORDS.search(words):
        return Unsuitable(Phrase("unsuitable.spectral"))
    kernel = (first.text("ConvolutionKernel") or "").upper()
    if _OTHER_SCALES.search(kernel) or _DENSITY_WORDS.search(words):
        return Unsuitable(Phrase("unsuitable.other_scale", {"kernel": first.text("ConvolutionKernel") or ""}))
    unit = (first.text("RescaleType") or "HU").upper()
    if unit in _MATERIAL_UNITS:
        return Unsuitable(Phrase("unsuitable.other_unit", {"unit": unit}))
    if _SUBTRACTED.search(types) or _SUBTRACTED.search(words):
        return Unsuitable(Phrase("unsuitable.subtraction"))
    stored = first.number("BitsStored") or 16  # of others is told where slices are compared
    if any((h.number("HighBit") or 0) >= stored == (h.number("BitsStored") or 16) for h in headers):
        return Unsuitable(Phrase("unsuitable.high_bit", {"bit": first.text("HighBit") or ""}))
    odd_number = _no_number(headers)
    if odd_number is not None:
        return odd_number
    return _no_rescale(headers)


def _no_number(headers: Sequence[SliceHeader]) -> Unsuitable | None:
    """Say which tag that turns pixels into Hounsfield units is there and no number: a decimal comma, two values."""
    for keyword in ("RescaleSlope", "RescaleIntercept", "PixelPaddingValue", "PixelPaddingRangeLimit"):
        odd = next((h for h in headers if h.number(keyword) is None and h.text(keyword)), None)
        if odd is not None:
            value = (odd.text(keyword) or "")[:_SHOWN]
            return Unsuitable(Phrase("unsuitable.no_number", {"tag": keyword, "slice": odd.name, "value": value}))
    return None


def _no_rescale(headers: Sequence[SliceHeader]) -> Unsuitable | None:
    if any(h.number("RescaleSlope") is None or h.number("RescaleIntercept") is None for h in headers):
        return Unsuitable(Phrase("unsuitable.no_rescale"))
    if any(h.number("RescaleSlope") == 0 for h in headers):
        return Unsuitable(Phrase("unsuitable.zero_slope"))
    odd = [h for h in headers if not _is_rescale(h.number("RescaleSlope"), h.number("RescaleIntercept"))]
    if odd:
        slope, intercept = odd[0].text("RescaleSlope"), odd[0].text("RescaleIntercept")
        return Unsuitable(
            Phrase("unsuitable.impossible_rescale", {"slice": odd[0].name, "slope": slope, "intercept": intercept})
        )
    return None


def _is_rescale(slope: float | None, intercept: float | None) -> bool:
    """Return whether a rescale can lead from 8 to 16 bits to Hounsfield units."""
    return slope is not None and intercept is not None and abs(slope) <= MOST_SLOPE and abs(intercept) <= MOST_INTERCEPT


def _not_a_scan(headers: Sequence[SliceHeader]) -> Unsuitable | None:
    first = headers[0]
    types, words = first.image_type, _words(first)
    plane = usual_plane(headers)
    if "LOCALIZER" in types or (_LOCALIZER_WORDS.search(words) and len(headers) < 10):
        return Unsuitable(Phrase("unsuitable.localizer"))
    if _REPORT_WORDS.search(words) or "SCREEN SAVE" in types:
        return Unsuitable(Phrase("unsuitable.dose_report"))
    if any(_PROJECTION_TYPES.search(part) for part in types) or _PROJECTION_WORDS.search(words):
        return Unsuitable(Phrase("unsuitable.projection"))
    reformat = any(_REFORMAT_TYPES.search(part) for part in types) or bool(_REFORMAT_WORDS.search(words))
    if plane in _REFORMAT_IN_PLANE:
        return Unsuitable(Phrase(_REFORMAT_IN_PLANE[plane]), on_request=True)
    if reformat:
        return Unsuitable(Phrase("unsuitable.reformat"), on_request=True)
    if types[:2] == ("DERIVED", "SECONDARY") or {"AVERAGE", "MEAN"} & set(types):
        return Unsuitable(Phrase("unsuitable.derived"), on_request=True)
    return None


def usual_plane(headers: Sequence[SliceHeader]) -> str | None:
    """Return "axial", "coronal" or "sagittal", by most slices' nearest axis; None where no slice says."""
    normals = [header.normal for header in headers if header.normal is not None]
    if not normals:
        return None
    names = [("sagittal", "coronal", "axial")[int(np.argmax(np.abs(normal)))] for normal in normals]
    return Counter(names).most_common(1)[0][0]


def is_original(headers: Sequence[SliceHeader]) -> bool:
    """Whether ImageType declares the series original and primary."""
    return headers[0].image_type[:2] == ("ORIGINAL", "PRIMARY")


def is_elsewhere(headers: Sequence[SliceHeader]) -> bool:
    """Whether body part, description or protocol name a region away from T12 to L2, such as the head."""
    first = headers[0]
    words = " ".join(first.text(k) or "" for k in ("BodyPartExamined", "SeriesDescription", "ProtocolName")).upper()
    return bool(_ELSEWHERE.search(words)) and not _SPINE_REGION.search(words)


def _words(first: SliceHeader) -> str:
    return (first.text("SeriesDescription") or "").upper().replace("_", " ")
