"""The engine as functions: from a scan, in files or in memory, to its examination, or to a result folder."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import SimpleITK as sitk

from . import pipeline
from .anatomy import LEVELS, TARGET_LEVELS
from .calibration import NOMINAL, Calibration
from .examination import Examination
from .ground.progress import Progress, silent
from .rules import RuleSet
from .scan import CTScan, read_scan, scan_of_image, to_source_geometry
from .segmentation import Segmenter


class Measured(NamedTuple):
    """What :func:`measure` returns.

    Attributes:
        examination: the record: BMD by level, category, findings, and what they rest on.
        label_map: the vertebral bodies on the grid of the image that was measured, uint8, 0 background, else the value
            that VerSe gives each level (T12 is 19, L1 is 20, L2 is 21).
    """

    examination: Examination
    label_map: sitk.Image


def measure(
    scan: str | PathLike[str] | sitk.Image | CTScan,
    *,
    series_uid: str | None = None,
    segmenter: Segmenter | None = None,
    calibration: Calibration = NOMINAL,
    levels: Sequence[str] = TARGET_LEVELS,
    rules: RuleSet | None = None,
    progress: Progress = silent,
) -> Measured:
    """Measure the BMD of ``levels``: what the command line measures, to the last digit.

    Args:
        scan: a folder of DICOM files, one of its files, a NIfTI, NRRD or MHA file; a SimpleITK image in Hounsfield
            units; or a scan that :func:`read_scan` returned.
        series_uid: which series of a DICOM folder, as :func:`list_series` names it; without it one is chosen by rule.
        segmenter: what finds the vertebral bodies; None: the networks of this package, for which OpenVINO, ONNX
            Runtime or PyTorch must be installed.
        calibration: from HU to mg/cm3; the nominal one only indicates a category.
        levels: in any order; one that is named twice counts once.
        rules: which BMD is called what, as :func:`load_rules` returns it; None: the ACR's.
        progress: called with a stage and a fraction from 0 to 1; may raise to cancel.

    Raises:
        UsageError: there is nothing at the path, or no such series.
        CannotMeasure: the scan can't be measured; the message says why, and what to do.
        ValueError: a level is not a vertebral level, the image is not a volume of single values, or a series of an
            image or a scan was asked for, which has none to choose from.
    """
    wanted = _in_order(levels)
    if series_uid is not None and isinstance(scan, (sitk.Image, CTScan)):
        raise ValueError("an image or a scan has no series to choose from: leave series_uid out")
    if isinstance(scan, sitk.Image):
        scan = scan_of_image(scan)
    elif not isinstance(scan, CTScan):
        scan = read_scan(Path(scan), series_uid, progress)
    if segmenter is None:
        from .segmentation.network_segmenter import NetworkSegmenter

        segmenter = NetworkSegmenter()
    measured = pipeline.measure(scan, segmenter, calibration, wanted, progress, rules=rules)
    return Measured(measured.examination, to_source_geometry(measured.column.bodies, scan))


def measure_into(
    folder: str | PathLike[str],
    scan: str | PathLike[str],
    *,
    series_uid: str | None = None,
    segmenter: Segmenter | None = None,
    calibration: Calibration = NOMINAL,
    levels: Sequence[str] = TARGET_LEVELS,
    rules: RuleSet | None = None,
    report: bool = True,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Examination:
    """Measure a scan into a result folder: the files that the command line writes, whole or not at all.

    Args:
        folder: the result folder, which is made.
        scan: a folder of DICOM files, one of its files, or a NIfTI, NRRD or MHA file.
        series_uid: as :func:`measure` takes it.
        segmenter: as :func:`measure` takes it; one for all scans of a loop loads its networks once.
        calibration: as :func:`measure` takes it.
        levels: as :func:`measure` takes them.
        rules: as :func:`measure` takes them.
        report: write page, PDF, tables and DICOM objects too, for which the extra ``reports`` must be installed.
        overwrite: replace an earlier result of the same scan.
        progress: as :func:`measure` takes it.

    Returns:
        The record, as it stands in the folder.

    Raises:
        UsageError: there is nothing at the path, no such series, or the folder is not one to write to.
        CannotMeasure: the scan can't be measured; the message says why, and what to do.
        ValueError: a level is not a vertebral level.
    """
    from .jobs.measuring import measure_as
    from .jobs.spec import InputScan, MeasureSpec, ResultFolder

    spec = MeasureSpec(
        InputScan(str(Path(scan)), series_uid),
        calibration=calibration,
        levels=_in_order(levels),
        result=ResultFolder(str(Path(folder)), overwrite, report),
        rules=rules,
    )
    return measure_as(spec, progress, segmenter=segmenter).measured.examination


def _in_order(levels: Sequence[str]) -> tuple[str, ...]:
    """Return the levels in the order of the spine, each once; ValueError if one of them is none."""
    unknown = [level for level in levels if level not in LEVELS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a vertebral level")
    return tuple(level for level in LEVELS if level in levels)
