"""The engine's table of conversions, fitted to virtual patients, and how well it does on others."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.calibration.transfers import Pair, TransferTable, setting_name
from ldct_bmd.ground.plain import to_plain

from .beam import Setting
from .cohort import Scanned, draw_subject, scan_all

TABLE_SEED, TABLE_SUBJECTS = 1, 480
CHECK_SEED, CHECK_SUBJECTS = 2, 100
REFERENCE = Setting(120)
CHECKED = (Setting(80), Setting(100), Setting(140), Setting(100, tin=True), Setting(150, tin=True))
# What image noise makes of a mean over L1 and L2: half of the most that the engine lets pass in one VOI, 4 HU.
NOISE_HU = 2.0
_DIGITS = 5
_LEAST_SD_HU = 0.2
_FITS = 10  # the weights have settled by then

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """y = gain x + offset, and how the points scatter about it: sd + sd_per x, in quadrature."""

    gain: float
    offset: float
    sd: float
    sd_per: float


def transfer_table(scanned: Scanned) -> TransferTable:
    """Return the conversions between all settings."""
    made_with = {
        "spekpy": version("spekpy"),
        "xraydb": version("xraydb"),
        "seed": str(TABLE_SEED),
        "subjects": str(len(scanned.hu)),
    }
    places = range(len(scanned.settings))
    pairs = [_pair(scanned, here, there) for here in places for there in places if here != there]
    return TransferTable(made_with, tuple(pairs))


def table_text(table: TransferTable) -> str:
    """Return the table as the file that the engine ships: one pair a line."""
    plain = to_plain(table)
    lines = ",\n".join(f"  {json.dumps(pair)}" for pair in plain["pairs"])
    return f'{{"made_with": {json.dumps(plain["made_with"])}, "pairs": [\n{lines}\n]}}\n'


def make_table(subjects: int = TABLE_SUBJECTS) -> TransferTable:
    """Simulate and fit: about a minute and a half of a processor."""
    return transfer_table(scan_all([draw_subject(TABLE_SEED, number) for number in range(subjects)]))


@dataclass(frozen=True)
class Check:
    """Errors of the BMD at one setting, against the one at 120 kVp by the site's phantom there, in mg/cm3.

    Attributes:
        uncorrected: with the calibration of 120 kVp as it is.
        by_table, by_phantom: carried over, without and with the site's phantom scanned at both.
        stated: the standard errors that the engine states for ``by_table``.
    """

    setting: Setting
    uncorrected: Array
    by_table: Array
    by_phantom: Array
    stated: Array


def check(scanned: Scanned, table: TransferTable, noise_seed: int = 0) -> list[Check]:
    """Return what carrying over does for subjects that the table was not fitted to, with image noise."""
    rng = np.random.default_rng(noise_seed)
    made = scanned.settings.index(REFERENCE)
    slope, intercept = scanned.phantom_slope[:, made], scanned.phantom_intercept_mg_cm3[:, made]
    truth = slope * scanned.hu[:, made] + intercept
    out = []
    for setting in CHECKED:
        here = scanned.settings.index(setting)
        pair = table.pair(name(setting), name(REFERENCE))
        if pair is None:
            raise ValueError(f"the table lacks {name(setting)}")
        hu = scanned.hu[:, here] + rng.normal(0.0, NOISE_HU, len(truth))
        ratio = scanned.phantom_slope[:, here] / slope
        per_ratio, offset, *_ = pair.by_phantom
        carried = {"table": pair.gain * hu + pair.offset_hu, "phantom": per_ratio * ratio * hu + offset}
        stated = slope * np.hypot(pair.sd_hu, pair.sd_per_hu * hu)
        out.append(
            Check(
                setting,
                slope * hu + intercept - truth,
                slope * carried["table"] + intercept - truth,
                slope * carried["phantom"] + intercept - truth,
                np.hypot(stated, slope * pair.gain * NOISE_HU),
            )
        )
    return out


def name(setting: Setting) -> str:
    """Return the table's name of a setting."""
    return setting_name(float(setting.kvp), setting.tin) or ""


def fit_line(x: Array, y: Array) -> Line:
    """Fit a line and the scatter about it; neither part of the scatter is below 0.

    Each point weighs as its own scatter says: else the bones of high density alone would decide how those of low
    density scatter.
    """
    from scipy.optimize import nnls

    parts = np.stack([np.ones_like(x), x**2], axis=1)
    variances = np.ones_like(x)
    for _ in range(_FITS):
        gain, offset = np.polyfit(x, y, 1, w=variances**-0.5)
        squares = (y - gain * x - offset) ** 2 * len(x) / (len(x) - 2)
        # A square scatters in proportion to what it is expected to be.
        (constant, per), _ = nnls(parts / variances[:, None], squares / variances)
        variances = np.maximum(parts @ [constant, per], _LEAST_SD_HU**2)
    return Line(float(gain), float(offset), max(float(np.sqrt(constant)), _LEAST_SD_HU), float(np.sqrt(per)))


def _pair(scanned: Scanned, here: int, there: int) -> Pair:
    x, y = scanned.hu[:, here], scanned.hu[:, there]
    ratio = scanned.phantom_slope[:, here] / scanned.phantom_slope[:, there]
    line, measured = fit_line(x, y), fit_line(ratio * x, y)
    return Pair(
        scanned=name(scanned.settings[here]),
        made=name(scanned.settings[there]),
        gain=_rounded(line.gain),
        offset_hu=_rounded(line.offset),
        sd_hu=_rounded(line.sd),
        sd_per_hu=_rounded(line.sd_per),
        phantom_ratio=_rounded(float(ratio.mean())),
        by_phantom=(
            _rounded(measured.gain),
            _rounded(measured.offset),
            _rounded(measured.sd),
            # About the ratio's part of the line, in HU of the scan as the constant part's companion.
            _rounded(measured.sd_per * float(ratio.mean())),
        ),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def summary(checks: Sequence[Check]) -> list[tuple[str, ...]]:
    """Return a row per setting: its name, then bias and SD uncorrected, by the table, and by phantom scans."""
    rows = []
    for one in checks:
        numbers = [
            f"{value:+.1f}" if k % 2 == 0 else f"{value:.1f}"
            for errors in (one.uncorrected, one.by_table, one.by_phantom)
            for k, value in enumerate((float(errors.mean()), float(errors.std(ddof=1))))
        ]
        rows.append((one.setting.name, *numbers, f"{float(np.sqrt((one.stated**2).mean())):.1f}"))
    return rows
