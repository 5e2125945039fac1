"""One scan: build it, measure it with the whole engine, and compare with its truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.anatomy import TARGET_LEVELS, VERSE_VALUE
from ldct_bmd.calibration import entered_calibration
from ldct_bmd.examination import Measurement
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.pipeline import measure
from ldct_bmd.scan import CTScan
from ldct_bmd.segmentation import ModelIdentity, NamedBodies, Segmenter

from ..phantom import PHANTOM_INTERCEPT_MG_CM3, PHANTOM_SLOPE, Phantom, build_phantom
from .conditions import Field, phantom_spec
from .plan import PlannedScan


@dataclass(frozen=True)
class LevelResult:
    """Predicted and true BMD of a level in mg/cm3; no prediction where the engine gave none.

    Attributes:
        name_right: whether the measured VOI's centre lies in the body of that name.
    """

    level: str
    predicted: float | None
    reference: float
    name_right: bool | None = None


@dataclass(frozen=True)
class ScanResult:
    """What a scan gave.

    Attributes:
        planned_sha256: of the PlannedScan.
        names_certain: whether the engine was sure of the names; None if it could not measure at all.
        findings: the codes of its findings, or why it could not measure.
    """

    name: str
    planned_sha256: str
    levels: tuple[LevelResult, ...]
    names_certain: bool | None
    findings: tuple[str, ...]


@dataclass(frozen=True)
class ExactMask:
    """Gives the phantom's own bodies: what is left is the error of VOI, sampling and noise."""

    bodies: NDArray[np.uint8]

    @property
    def identity(self) -> ModelIdentity:
        """No model."""
        return ModelIdentity("the phantom's own mask", None)

    def __call__(self, scan: CTScan, progress: Progress = silent) -> NamedBodies:
        """Return the bodies."""
        return NamedBodies(self.bodies)


def measure_scan(planned: PlannedScan, field: Field, segmenter: Segmenter | None) -> ScanResult:
    """Return the result of a scan; ``segmenter`` None takes the phantom's exact mask."""
    phantom = build_phantom(phantom_spec(planned.patient, planned.conditions, field))
    # The HU were made with this function: the calibration adds no error of its own.
    calibration = entered_calibration(PHANTOM_SLOPE, PHANTOM_INTERCEPT_MG_CM3, "K2HPO4", phantom.spec.kvp)
    measured: dict[str, Measurement] = {}
    certain: bool | None = None
    try:
        examination = measure(phantom.scan, segmenter or ExactMask(phantom.bodies), calibration).examination
    except CannotMeasure as error:
        findings: tuple[str, ...] = (str(error),)
    else:
        measured = {one.level: one for one in examination.measurements}
        findings = tuple(sorted({finding.code.value for finding in examination.findings}))
        certain = examination.quality.names_certain
    levels = tuple(_level(phantom, level, measured.get(level)) for level in TARGET_LEVELS)
    return ScanResult(planned.name, planned.sha256, levels, certain, findings)


def _level(phantom: Phantom, level: str, measured: Measurement | None) -> LevelResult:
    reference = phantom.mean_bmd_truth(phantom.ideal_voi(level))
    if measured is None:
        return LevelResult(level, None, reference)
    index = np.rint(phantom.scan.geometry.to_index_xyz(np.array(measured.voi.center_lps_mm))).astype(int)
    name_right = bool(phantom.bodies[tuple(index[::-1])] == VERSE_VALUE[level])
    return LevelResult(level, measured.bmd_mg_cm3, reference, name_right)
