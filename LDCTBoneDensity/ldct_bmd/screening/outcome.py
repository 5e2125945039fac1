"""What came of measuring one study, as plain values: it travels from the process that measured to the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import worklist
from ..examination import Examination
from ..ground.plain import to_plain
from ..jobs.spec import InputScan
from ..quality import shows_contrast
from ..reporting.tables import patient_row
from .inputs import InArchive
from .states import State


@dataclass(frozen=True)
class Task:
    """One study to measure.

    Attributes:
        id: of the study.
        place: of a volume file; of a study what sentences call it.
        files: of a study on a drive.
        folder: where the result goes, and its path below the store.
        priors: records of earlier studies of the patient.
        archive: where its images are fetched from.
        prior_scans: of the priors, in their order; None: not on a drive.
    """

    id: str
    place: str
    files: tuple[str, ...]
    series: str | None
    store: str
    folder: str
    priors: tuple[str, ...] = ()
    archive: InArchive | None = None
    prior_scans: tuple[InputScan | None, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        code, sentence: of a refusal, or of a failure.
        trace: of a failure.
        facts: see :func:`facts_of`.
        series: what the study holds, a dictionary each: address, description, slices, measured, unsuitable.
        cpu_s: processor time of the process meanwhile.
        memory_mb: most that the process ever held.
    """

    state: State
    software: str
    model: str
    ended: str
    code: str | None = None
    sentence: str | None = None
    trace: str | None = None
    folder: str | None = None
    facts: dict[str, object] = field(default_factory=dict)
    series: Sequence[dict[str, object]] = ()
    timing_s: dict[str, float] = field(default_factory=dict)
    cpu_s: float = 0.0
    memory_mb: float = 0.0


def facts_of(examination: Examination) -> dict[str, object]:
    """Return what a store's database keeps of a record: the columns of ``report_patient.csv`` but the name, and BMD.

    ``bmd_mg_cm3`` has the unrounded BMD by level, of those that no reader excluded, ``soft_tissue_hu`` the mean of fat
    and muscle, and ``row`` what a worklist says.
    """
    facts: dict[str, object] = {**patient_row(examination)}
    del facts["patient_name"], facts["comment"]
    facts["bmd_mg_cm3"] = {m.level: m.bmd_mg_cm3 for m in examination.measurements if m.excluded is None}
    facts["names_certain"] = {m.level: examination.quality.certain(m.level) for m in examination.measurements}
    facts["device_serial"] = examination.scan.acquisition.device_serial
    facts["soft_tissue_hu"] = _soft_tissue_hu(examination)
    facts["row"] = to_plain(worklist.facts_of(examination))
    return facts


def _soft_tissue_hu(examination: Examination) -> float | None:
    """Return the mean HU of fat and muscle; None without one of them, or with contrast agent, which muscle takes up."""
    quality = examination.quality
    tissue = quality.tissue
    if tissue is None or tissue.fat_hu is None or tissue.muscle_hu is None:
        return None
    enhanced = shows_contrast(examination.scan.acquisition.contrast_agent, tissue)
    if enhanced and quality.contrast_denied_by is None:
        return None
    return (tissue.fat_hu + tissue.muscle_hu) / 2.0


def series_of(examination: Examination) -> tuple[dict[str, object], ...]:
    """Return the series of the study that was measured, and those that were not."""
    source, made = examination.scan.source, examination.scan.acquisition
    if source.series_uid is None:
        return ()
    first = _series(source.series_uid, made.series_description or "", len(source.sop_instance_uids), True, None)
    others = (
        _series(
            one.series_uid, one.description, one.slices, False, None if one.unsuitable is None else str(one.unsuitable)
        )
        for one in source.other_series
    )
    return (first, *others)


def _series(address: str, description: str, slices: int, measured: bool, unsuitable: str | None) -> dict[str, object]:
    return {
        "address": address,
        "description": description,
        "slices": slices,
        "measured": measured,
        "unsuitable": unsuitable,
    }
