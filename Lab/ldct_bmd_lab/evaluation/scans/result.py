"""What one real scan gave, against what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ldct_bmd.anatomy import TARGET_LEVELS

CHEST = tuple(f"T{i}" for i in range(1, 13))
Heights = tuple[float | None, float | None, float | None]
NO_HEIGHTS: Heights = (None, None, None)


@dataclass(frozen=True)
class Outline:
    """A found body against its reference; the fields are those of :class:`..segmentation.LevelResult`."""

    found_as: str | None
    dice_by_name: float
    dice_of_found: float
    surface_distance_mm: float | None
    hausdorff95_mm: float | None
    voi_hu: float | None
    reference_voi_hu: float | None
    voi_distance_mm: float | None

    @property
    def voi_difference_hu(self) -> float | None:
        """Mean HU of the VOI in the body of this name, less that of the reference VOI."""
        return None if self.voi_hu is None or self.reference_voi_hu is None else self.voi_hu - self.reference_voi_hu


@dataclass(frozen=True)
class LevelRow:
    """A known level and the body found there, or a found body that lies at no known level.

    Attributes:
        level: the known level; None: the body lies at none.
        found_as: the name of the body found; None: no body was found there.
        judged: whether its name can be right or wrong: what is not known is not judged.
        known_z_mm, offset_mm: where the level is known to lie, and how much higher the body was found.
        probability: that its name is right, as the software says.
        certain: whether the software calls its name certain.
        complete: whether the body is whole in the scan.
        suspected: why a fracture is suspected, in a sentence; "": it is not.
        heights_mm: anterior, middle, posterior height of the found body; ``reference_heights_mm`` of the reference.
        verdict: how good the reference body is: "good", "fair", ...; "" where nobody says so.
        outline: None where there is no reference body.
    """

    level: str | None
    found_as: str | None
    judged: bool
    known_z_mm: float | None = None
    offset_mm: float | None = None
    probability: float | None = None
    certain: bool | None = None
    complete: bool | None = None
    suspected: str = ""
    heights_mm: Heights = NO_HEIGHTS
    reference_heights_mm: Heights = NO_HEIGHTS
    verdict: str = ""
    outline: Outline | None = None

    @property
    def right(self) -> bool | None:
        """Whether a body was found here under this level's name; None where it is not judged."""
        return self.level is not None and self.found_as == self.level if self.judged else None

    @property
    def wrong_name(self) -> bool:
        """Whether a body was found here under a name that is not its own."""
        return self.judged and self.found_as is not None and self.found_as != self.level

    @property
    def reference_loss(self) -> float | None:
        """The largest loss of height that the reference's own heights show: of one height against another wall's."""
        anterior, middle, posterior = self.reference_heights_mm
        pairs = ((anterior, posterior), (middle, posterior), (posterior, anterior))
        return max((1.0 - low / high for low, high in pairs if low is not None and high), default=None)


@dataclass(frozen=True)
class ScanResult:
    """What one scan gave.

    Attributes:
        refused: why nothing was measured, in a sentence; "": it was.
        names_remark: what the names rest on, or why they are uncertain.
        category: of bone mass; None where none is given.
        reference_problem: why the reference bodies can't be compared with, in a sentence; "": they can, or are none.
        weights_sha256: of the weights that it was measured with.
        fold: the fold whose weights did not see this scan; None: there are no folds.
        picture: a JPEG in base64: a sagittal cut with what was found; "": nothing was.
    """

    name: str
    patient: str
    spacing_mm: tuple[float, float, float]
    refused: str
    names_remark: str
    category: str | None
    reference_problem: str
    weights_sha256: str | None
    levels: tuple[LevelRow, ...]
    fold: int | None = None
    picture: str = ""

    @property
    def found(self) -> tuple[LevelRow, ...]:
        """The bodies that were found."""
        return tuple(row for row in self.levels if row.found_as is not None)

    @property
    def targets_right(self) -> bool | None:
        """Whether all of T12 to L2 that are known to be in view were found under their names; None without any."""
        return _all_right(self.levels, TARGET_LEVELS, 1)

    @property
    def chest_right(self) -> bool | None:
        """The same of T1 to T12; None where not all of them are known to be in view."""
        return _all_right(self.levels, CHEST, len(CHEST))

    @property
    def all_right(self) -> bool | None:
        """Whether every known level was found under its name, and nothing else under a wrong one."""
        judged = [row.right for row in self.levels if row.judged]
        return all(judged) if judged else None

    @property
    def targets_certain(self) -> bool:
        """Whether what it calls T12 to L2 it calls so for certain; without any of them, all that it found."""
        named = [row for row in self.found if row.found_as in TARGET_LEVELS] or list(self.found)
        return bool(named) and all(row.certain for row in named)

    @property
    def wrong_though_certain(self) -> tuple[LevelRow, ...]:
        """Bodies of a wrong name that was called certain: nobody would be warned."""
        return tuple(row for row in self.levels if row.wrong_name and row.certain)

    @property
    def missed(self) -> tuple[str, ...]:
        """Known levels where no body was found."""
        return tuple(row.level for row in self.levels if row.level is not None and row.found_as is None)

    @property
    def suspected(self) -> tuple[LevelRow, ...]:
        """Bodies in which a fracture is suspected."""
        return tuple(row for row in self.levels if row.suspected)

    @property
    def lowest_probability(self) -> float | None:
        """The lowest probability of a name from T12 to L2; without any of these, of any name."""
        named = [row for row in self.found if row.found_as in TARGET_LEVELS] or list(self.found)
        return min((row.probability for row in named if row.probability is not None), default=None)


def _all_right(rows: Sequence[LevelRow], levels: Sequence[str], least: int) -> bool | None:
    known = [row for row in rows if row.judged and row.level is not None and row.level in levels]
    return all(row.right for row in known) if len(known) >= least else None
