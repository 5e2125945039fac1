"""Who was scanned and how, from the headers of one volume. What they do not say stays None."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from .ct_scan import Acquisition, Patient
from .dicom_headers import SliceHeader
from .header_words import says_contrast, says_none, says_tin

# Transfer syntaxes that may have lost something: JPEG, JPEG-LS near-lossless, JPEG 2000 and its high-throughput form.
_LOSSY = {
    "1.2.840.10008.1.2.4.50": "JPEG",
    "1.2.840.10008.1.2.4.51": "JPEG",
    "1.2.840.10008.1.2.4.81": "JPEG-LS",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
}
_YEARS_PER = {"Y": 1.0, "M": 1.0 / 12.0, "W": 7.0 / 365.25, "D": 1.0 / 365.25}


def acquisition(slices: Sequence[SliceHeader]) -> Acquisition:
    """Read the acquisition; tube current and exposure are means over the slices (they follow the body's width)."""
    first = slices[0]
    return Acquisition(
        kvp=_positive(first, "KVP"),
        tube_current_ma=_mean(slices, "XRayTubeCurrent"),
        exposure_mas=_mean(slices, "Exposure"),
        kernel=first.text("ConvolutionKernel"),
        slice_thickness_mm=_positive(first, "SliceThickness"),
        manufacturer=first.text("Manufacturer"),
        model=first.text("ManufacturerModelName"),
        station=first.text("StationName"),
        device_serial=first.text("DeviceSerialNumber"),
        filter_type=first.text("FilterType"),
        tin_by_name=_tin_by_name(first),
        contrast_agent=contrast_agent(slices),
        series_description=first.text("SeriesDescription"),
        study_date=first.text("StudyDate"),
        lossy_compression=lossy_compression(slices),
        acquisition_date=first.text("AcquisitionDate") or (first.text("AcquisitionDateTime") or "")[:8] or None,
    )


def patient(first: SliceHeader) -> Patient:
    """Read the patient."""
    return Patient(
        patient_id=first.text("PatientID"),
        name=first.text("PatientName"),
        sex=first.text("PatientSex"),
        age_years=_age_years(first),
    )


def _tin_by_name(first: SliceHeader) -> bool:
    """Return whether the filter's material, or words, say that the beam passed tin."""
    told = (first.text(keyword) or "" for keyword in ("FilterMaterial", "SeriesDescription", "ProtocolName"))
    return any(map(says_tin, told))


def lossy_compression(slices: Sequence[SliceHeader]) -> str | None:
    """Return how the pixels were compressed, where some were lost; None where they were not, as far as is said."""
    for header in slices:
        syntax = str(header.transfer_syntax)
        if header.text("LossyImageCompression") == "01" or syntax in _LOSSY:
            ratio = header.text("LossyImageCompressionRatio")
            return f"{_LOSSY.get(syntax, 'lossy')}{f', {ratio}:1' if ratio else ''}"
    return None


def contrast_agent(slices: Sequence[SliceHeader]) -> str | None:
    """Return the contrast agent that any slice states; None where all state none or say there was none.

    Where the tags for its name are silent, its volume tells, or else the series description.
    """
    stated = [agent for agent in map(_stated_agent, slices) if agent is not None]
    named = next((agent for agent in stated if not says_none(agent)), None)
    if named is not None:
        return named
    volume_ml = next((volume for volume in (_positive(h, "ContrastBolusVolume") for h in slices) if volume), None)
    if volume_ml is not None:
        return f"{volume_ml:g} ml"
    description = slices[0].text("SeriesDescription") or ""
    return description if not stated and says_contrast(description) else None


def _stated_agent(header: SliceHeader) -> str | None:
    agent = header.text("ContrastBolusAgent")
    if agent is None:
        agent = next(iter(header.contrast_meanings), None) or header.text("ContrastBolusIngredient")
    return agent


def _positive(first: SliceHeader, keyword: str) -> float | None:
    value = first.number(keyword)
    return value if value is not None and value > 0 else None


def _mean(slices: Sequence[SliceHeader], keyword: str) -> float | None:
    values = [value for value in (_positive(header, keyword) for header in slices) if value is not None]
    return round(float(np.mean(values)), 3) if values else None


def _age_years(first: SliceHeader) -> float | None:
    """PatientAge ("063Y", "018M"), else from the dates of birth and study."""
    age = (first.text("PatientAge") or "").upper()
    if age[:-1].isdecimal() and age[-1] in _YEARS_PER:
        return round(int(age[:-1]) * _YEARS_PER[age[-1]], 2)
    try:
        born = datetime.strptime(first.text("PatientBirthDate") or "", "%Y%m%d")
        studied = datetime.strptime(first.text("StudyDate") or "", "%Y%m%d")
    except ValueError:
        return None
    days = (studied - born).days
    return round(days / 365.25, 1) if days >= 0 else None
