"""A calibration from paired data: mean HU of vertebrae, and the BMD that another method measured in them."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..ground.errors import CannotMeasure, UsageError
from ..ground.files import open_text
from ..words import Phrase, text
from .provenance import FitQuality
from .regression import LineFit, fit_line, leverages

COLUMNS = ("mean_hu", "reference_bmd_mg_cm3")
OPTIONAL_COLUMNS = ("level", "subject", "scanner")
LEAST_PAIRS = 10
MOST_NAMED = 10
_WHAT = "The file of pairs"


@dataclass(frozen=True)
class PairedBMD:
    """One vertebra measured by both; ``row`` is its line in the file, the header being line 1."""

    row: int
    mean_hu: float
    reference_bmd_mg_cm3: float
    level: str = ""
    subject: str = ""
    scanner: str = ""

    def __str__(self) -> str:
        named = " ".join(part for part in (self.subject, self.level) if part)
        return text("pairs.row_named" if named else "pairs.row", row=self.row, named=named)


@dataclass(frozen=True)
class PairedFit:
    """BMD = slope x HU + intercept, by ordinary least squares (Pan et al. 2020), and how far to trust it.

    Attributes:
        cooks_distance: of each pair.
        influential: pairs whose Cook's distance is over 4 / n, the largest first, at most ten.
        cross_validated_rmse_mg_cm3: of pairs that the line was not fitted to: all of one subject are left out together,
            or one pair where no subjects are named.
        subjects: how many; 0 where none are named.
    """

    pairs: tuple[PairedBMD, ...]
    line: LineFit
    cooks_distance: tuple[float, ...]
    influential: tuple[PairedBMD, ...]
    cross_validated_rmse_mg_cm3: float
    cross_validated_bias_mg_cm3: float
    subjects: int

    def quality(self) -> FitQuality:
        """Return what the calibration keeps of the fit."""
        return FitQuality(
            slope_se=math.sqrt(self.line.covariance[0, 0]),
            intercept_se_mg_cm3=math.sqrt(self.line.covariance[1, 1]),
            slope_intercept_covariance=float(self.line.covariance[0, 1]),
            residual_sd_mg_cm3=self.line.residual_sd,
            r_squared=self.line.r_squared,
            points=self.line.points,
        )


def read_pairs(path: Path, scanner: str | None = None) -> tuple[PairedBMD, ...]:
    """Read the pairs of one scanner from a CSV file with a header.

    Columns: ``mean_hu`` and ``reference_bmd_mg_cm3``; ``level``, ``subject`` and ``scanner`` may be.

    Raises:
        UsageError: the file can't be read, a number is none, or it holds several scanners and none is chosen.
    """
    try:
        with open_text(Path(path)) as file:
            reader = csv.DictReader(file, strict=True)
            names = tuple(name.strip() for name in reader.fieldnames or ())
            reader.fieldnames = names
            _check_header(names)
            pairs = tuple(_pair(row, reader.line_num) for row in reader if any(row.values()))
    except OSError as error:
        raise UsageError("pairs.not_read", reason=error.strerror) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError("pairs.not_csv", reason=str(error)) from error
    scanners = sorted({pair.scanner for pair in pairs})
    if scanner is not None:
        if scanner not in scanners:
            raise UsageError(
                "pairs.no_such_scanner",
                scanner=scanner,
                scanners=tuple(filter(None, scanners)) or (Phrase("pairs.none"),),
            )
        return tuple(pair for pair in pairs if pair.scanner == scanner)
    if len(scanners) > 1:
        raise UsageError(
            "pairs.several_scanners",
            count=len(scanners),
            scanners=[name or Phrase("pairs.unnamed") for name in scanners],
        )
    return pairs


def fit_pairs(pairs: Sequence[PairedBMD]) -> PairedFit:
    """Fit a line to the pairs; CannotMeasure if they are too few, do not differ, or fall where they should rise."""
    if len(pairs) < LEAST_PAIRS:
        raise CannotMeasure("pairs.too_few", pairs=len(pairs), least=LEAST_PAIRS)
    hu = np.array([pair.mean_hu for pair in pairs])
    bmd = np.array([pair.reference_bmd_mg_cm3 for pair in pairs])
    if np.ptp(hu) == 0.0:
        raise CannotMeasure("pairs.same_hu")
    line = fit_line(hu, bmd)
    if line.slope <= 0.0:
        raise CannotMeasure("pairs.bmd_does_not_rise")
    leverage = leverages(hu)
    variance = line.residual_sd**2
    # 2 is the number of the line's parameters.
    distance = (
        line.residuals**2 * leverage / (2 * variance * (1 - leverage) ** 2) if variance > 0.0 else np.zeros(len(pairs))
    )
    order = [int(k) for k in np.argsort(-distance, kind="stable") if distance[k] > 4.0 / len(pairs)]
    groups = _groups(pairs)
    left_out = line.residuals / (1 - leverage) if groups is None else _left_out(hu, bmd, groups)
    return PairedFit(
        pairs=tuple(pairs),
        line=line,
        cooks_distance=tuple(distance.tolist()),
        influential=tuple(pairs[k] for k in order[:MOST_NAMED]),
        cross_validated_rmse_mg_cm3=float(np.sqrt((left_out**2).mean())),
        cross_validated_bias_mg_cm3=float(left_out.mean()),
        subjects=0 if groups is None else len(set(groups.tolist())),
    )


def _groups(pairs: Sequence[PairedBMD]) -> NDArray[np.intp] | None:
    subjects = [pair.subject for pair in pairs]
    if not all(subjects):
        return None
    numbers = {subject: number for number, subject in enumerate(dict.fromkeys(subjects))}
    return np.array([numbers[subject] for subject in subjects]) if len(numbers) > 2 else None


def _left_out(hu: NDArray[np.float64], bmd: NDArray[np.float64], groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return each pair's error under the line of all other subjects."""
    errors = np.empty(len(hu))
    for group in np.unique(groups):
        out = groups == group
        line = fit_line(hu[~out], bmd[~out])
        errors[out] = bmd[out] - line.slope * hu[out] - line.intercept
    return errors


def _check_header(names: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise UsageError("pairs.no_column", missing=missing, needed=COLUMNS, optional=OPTIONAL_COLUMNS)


def _pair(row: dict[str, str], number: int) -> PairedBMD:
    values = []
    for name in COLUMNS:
        try:
            value = float(row[name])
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise UsageError("pairs.no_number", value=row[name], column=name, row=number)
        values.append(value)
    texts = {name: (row.get(name) or "").strip() for name in OPTIONAL_COLUMNS}
    return PairedBMD(number, values[0], values[1], **texts)
