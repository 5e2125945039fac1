"""The section on the scan: who, how it was made, and what stands against measuring it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.words import text

from ..common.FindingsView import FindingsView
from ..work.DicomDatabase import DicomDatabase

if TYPE_CHECKING:
    from ldct_bmd.examination import Examination


class ScanPanel:
    """Shows the selected volume."""

    def __init__(self, ui: Any) -> None:
        self._label = ui.patientLabel
        self._label.setTextFormat(qt.Qt.PlainText)
        self.findings = FindingsView(ui.findingsView)
        self._described: tuple[object, str] = (None, "")

    def show(self, volumeNode: Any, examination: Examination | None, remark: str = "") -> None:
        """Show a volume and, once it is measured, the findings."""
        self._label.setText("" if volumeNode is None else self._line(volumeNode, examination))
        self.findings.show(examination.findings if examination is not None else (), remark)

    def _line(self, volumeNode: Any, examination: Examination | None) -> str:
        if examination is not None:
            scan = examination.scan
            line = _described(scan.patient, scan.acquisition, scan.geometry.spacing_mm[2])
            signature = examination.signature
            if signature is None:
                return line
            return f"{line}\n{text('scan_section.signed', reader=signature.reader, time=signature.time)}"
        if self._described[0] is not volumeNode:
            self._described = (volumeNode, _fromTags(volumeNode))
        return self._described[1]


def _fromTags(volumeNode: Any) -> str:
    """Return the line on a volume not measured yet, from the header of its first slice."""
    from ..scene.VolumeReader import VolumeReader

    try:
        reader = VolumeReader(volumeNode)
        files = reader.files(DicomDatabase.current())
        if files.kind != "dicom":
            return text("scan_section.no_tags")
        from ldct_bmd.scan.dicom_acquisition import acquisition, patient
        from ldct_bmd.scan.dicom_headers import read_header

        header = read_header(files.paths[0])
    except CannotMeasure as error:
        return str(error)
    if header is None:
        return text("scan_section.no_tags")
    return _described(patient(header), acquisition([header]), reader.geometry.spacing_mm[2])


def _described(patient: Any, made: Any, spacingMm: float) -> str:
    who = [
        (patient.name or "").replace("^", " ").strip(),
        patient.patient_id,
        patient.sex,
        text("scan_section.age", age=patient.age_years) if patient.age_years is not None else None,
        made.study_date or made.acquisition_date,
    ]
    how = [
        text("described.kvp", kvp=made.kvp) if made.kvp is not None else text("scan_section.no_kvp"),
        text("scan_section.current", current=made.tube_current_ma) if made.tube_current_ma is not None else None,
        text("drift.kernel", kernel=made.kernel) if made.kernel else None,
        text("scan_section.spacing", spacing=spacingMm),
        " ".join(part for part in (made.manufacturer, made.model) if part),
    ]
    return "\n".join(", ".join(part for part in line if part) for line in (who, how) if any(line))
