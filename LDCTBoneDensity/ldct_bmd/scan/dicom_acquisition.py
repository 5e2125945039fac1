"""Who was scanned and how, from the headers of one volume. What they do not say stays None."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from .ct_scan import Acquisition, Patient
from .dicom_headers import SliceHeader

# How headers say that no contrast agent was given.
_NO_AGENT = (
    *("NONE", "NONE GIVEN", "NO", "N", "N/A", "NA", "NIL", "0", "NOT APPLICABLE", "NATIVE", "UNENHANCED"),
    *("NO CONTRAST", "NON CONTRAST", "NON-CONTRAST", "WITHOUT", "WITHOUT CONTRAST"),
)
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
        contrast_agent=contrast_agent(slices),
        series_description=first.text("SeriesDescription"),
        study_date=first.text("StudyDate"),
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


def contrast_agent(slices: Sequence[SliceHeader]) -> str | None:
    """Return the contrast agent that any slice states; None where all state none or say there was none."""
    return next((agent for agent in map(_stated_agent, slices) if agent is not None), None)


def _stated_agent(header: SliceHeader) -> str | None:
    agent = header.text("ContrastBolusAgent")
    if agent is None:
        meanings = [item.get("CodeMeaning") for item in header.tags.get("ContrastBolusAgentSequence") or []]
        agent = next((str(meaning) for meaning in meanings if meaning), None) or header.text("ContrastBolusIngredient")
    return None if agent is None or agent.strip().upper() in _NO_AGENT else agent


def _positive(first: SliceHeader, keyword: str) -> float | None:
    value = first.number(keyword)
    return value if value is not None and value > 0 else None


def _mean(slices: Sequence[SliceHeader], keyword: str) -> float | None:
    values = [value for value in (_positive(header, keyword) for header in slices) if value is not None]
    return round(float(np.mean(values)), 3) if values else None


def _age_years(first: SliceHeader) -> float | None:
    """PatientAge ("063Y", "018M"), else from the dates of birth and study."""
    age = (first.text("PatientAge") or "").upper()
    if age[:-1].isdigit() and age[-1] in _YEARS_PER:
        return round(int(age[:-1]) * _YEARS_PER[age[-1]], 2)
    try:
        born = datetime.strptime(first.text("PatientBirthDate") or "", "%Y%m%d")
        studied = datetime.strptime(first.text("StudyDate") or "", "%Y%m%d")
    except ValueError:
        return None
    days = (studied - born).days
    return round(days / 365.25, 1) if days >= 0 else None
