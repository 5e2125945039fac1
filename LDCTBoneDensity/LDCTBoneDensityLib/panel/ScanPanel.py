"""The section on the scan: who, how it was made, and what stands against measuring it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.words import catalogue, current_language, text

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
        self._area = ui.findingsArea
        self._described: tuple[object, str] = (None, "")

    def show(self, volumeNode: Any, examination: Examination | None, remark: str = "") -> None:
        """Show a volume and, once it is measured, the findings."""
        self._label.setText("" if volumeNode is None else self._line(volumeNode, examination))
        # Of the same height whatever was found, so that a correction moves no button. Before it is filled: an area that
        # is not shown does not look how high its content is.
        self._area.setVisible(examination is not None)
        self.findings.show(examination.findings if examination is not None else (), remark)

    def _line(self, volumeNode: Any, examination: Examination | None) -> str:
        if examination is not None:
            scan = examination.scan
            line = _described(scan.patient, scan.acquisition, scan.geometry.spacing_mm[2])
            signature = examination.signature
            if signature is None:
                return line
            from ldct_bmd.reporting.page.words import time

            return f"{line}\n{text('scan_section.signed', reader=signature.reader, time=time(signature.time))}"
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
    """Return two lines, in the words of the report."""
    from ldct_bmd.reporting.page.about import acquisition_words
    from ldct_bmd.reporting.page.words import date, person, visible

    say = catalogue(current_language())
    age = None if patient.age_years is None else say("patient.age_years", years=f"{patient.age_years:g}")
    who = [
        person(patient.name) if patient.name else None,
        visible(patient.patient_id) if patient.patient_id else None,
        patient.sex,
        age,
        date(made.acquisition_date or made.study_date),
    ]
    how = [
        text("scan_section.no_kvp") if made.kvp is None else None,
        acquisition_words(made, say),
        text("scan_section.spacing", spacing=spacingMm),
        visible(" ".join(part for part in (made.manufacturer, made.model) if part)),
    ]
    return "\n".join(say("comma").join(part for part in line if part) for line in (who, how) if any(line))
