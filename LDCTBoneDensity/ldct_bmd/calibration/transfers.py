"""The table of conversions between tube voltages and beam filters, which the lab makes from simulated spectra."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..ground.plain import from_plain

TABLE_FILE = Path(__file__).with_name("transfers.json")
KVP_TOLERANCE = 0.5  # kVp is a setting in whole kilovolts; the tag is a decimal string
_SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Pair:
    """From the HU of trabecular bone at one setting to those at another.

    Attributes:
        scanned, made: names of settings, as "100" or "Sn150".
        gain, offset_hu, sd_hu, sd_per_hu: of the line, see :class:`.transfer.Transfer`.
        phantom_ratio: mean over scanners of a K2HPO4 phantom's slope at ``scanned``, over that at ``made``.
        by_phantom: the same line where the site's own ratio is known: gain for a ratio of 1, offset, and scatter.
    """

    scanned: str
    made: str
    gain: float
    offset_hu: float
    sd_hu: float
    sd_per_hu: float
    phantom_ratio: float
    by_phantom: tuple[float, float, float, float]


@dataclass(frozen=True)
class TransferTable:
    """All pairs; ``made_with``: versions of the libraries, seed and number of simulated subjects."""

    made_with: dict[str, str]
    pairs: tuple[Pair, ...]

    def pair(self, scanned: str | None, made: str | None) -> Pair | None:
        """Return the conversion from one setting to another; None if the table has none."""
        return next((one for one in self.pairs if (one.scanned, one.made) == (scanned, made)), None)


@cache
def shipped_table() -> tuple[TransferTable, str]:
    """Return the table and the first digits of its SHA-256."""
    content = TABLE_FILE.read_bytes()
    return from_plain(TransferTable, json.loads(content)), hashlib.sha256(content).hexdigest()[:_SHOWN_DIGITS]


def setting_name(kvp: float | None, tin: bool) -> str | None:
    """Return the table's name of a setting; None if the voltage is not known or not whole.

    Examples:
        >>> setting_name(100.0, True), setting_name(120.0, False), setting_name(117.5, False)
        ('Sn100', '120', None)
    """
    if kvp is None or abs(kvp - round(kvp)) >= KVP_TOLERANCE:
        return None
    return f"{'Sn' if tin else ''}{round(kvp)}"
