"""What is evaluated, and what comes out of it for one scan."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.scan import CTScan


@dataclass(frozen=True)
class Case:
    """A scan and its reference.

    Attributes:
        name: unique among the cases of an evaluation.
        group: cases are summed up by group, and in total.
        reference: (z, y, x) uint8 on the scan's grid, vertebral bodies in VerSe values; all 0: no vertebra is in view.
        cut: values of bodies that the edge of the reference's own file cuts.
        noise_free_hu: (z, y, x), the same scan before noise and blur; None where nobody knows it.
        level_groups: group of bodies, by level, that are summed up with those of another group than their scan's.
        compared_with: name of the case that shows the same patient under usual conditions; "" for none.

    Raises:
        ValueError: an array is not on the scan's grid.
    """

    name: str
    group: str
    scan: CTScan
    reference: NDArray[np.uint8]
    cut: frozenset[int] = frozenset()
    noise_free_hu: NDArray[np.float32] | None = None
    level_groups: Mapping[str, str] = field(default_factory=dict)
    compared_with: str = ""

    def __post_init__(self) -> None:
        """Refuse arrays of another grid."""
        for array in (self.reference, self.noise_free_hu):
            if array is not None and array.shape != self.scan.hu.shape:
                raise ValueError(f"{self.name}: shape {array.shape} is not that of the scan, {self.scan.hu.shape}")


@dataclass(frozen=True)
class LevelResult:
    """One reference body, and the automatic body that was matched with it.

    Attributes:
        complete: False if an edge cuts the reference body.
        dice_by_name: Dice with the automatic body of the same name; 0 without one. What a reader of names gets.
        found: an automatic body matches it (Dice 0.5 or more, each automatic body matching one reference body at most).
        found_as: the name of that body.
        dice_of_found: Dice with that body, whatever its name; 0 if not found.
        surface_distance_mm: symmetric mean distance to the surface of that body.
        hausdorff95_mm: 95 % Hausdorff distance to it.
        voi_hu: mean HU in the VOI placed in the automatic body of the same name; None where either body of that name
            is missing, cut, or holds no VOI.
        reference_voi_hu: mean HU in the VOI placed in the reference body; None where it is cut or holds none.
        true_voi_hu: that VOI's mean in the scan before noise and blur.
        noise_free_voi_hu: the same of the VOI in the automatic body: what its place alone makes of the truth.
        voi_distance_mm: distance between the centres of both VOIs.
        anterior_mm: height of the matched body less that of the reference, at the front wall (both complete).
        middle_mm: the same in the middle.
        posterior_mm: the same at the back wall.
        probability: that the name of the matched body is right, as the labelling says.
    """

    level: str
    group: str
    complete: bool
    dice_by_name: float
    found: bool
    found_as: str | None = None
    dice_of_found: float = 0.0
    surface_distance_mm: float | None = None
    hausdorff95_mm: float | None = None
    voi_hu: float | None = None
    reference_voi_hu: float | None = None
    true_voi_hu: float | None = None
    noise_free_voi_hu: float | None = None
    voi_distance_mm: float | None = None
    anterior_mm: float | None = None
    middle_mm: float | None = None
    posterior_mm: float | None = None
    probability: float | None = None

    @property
    def named_right(self) -> bool:
        """Whether it was found under its own name."""
        return self.found_as == self.level

    @property
    def voi_difference_hu(self) -> float | None:
        """Mean HU of the automatic VOI less that of the reference VOI, both on the same scan."""
        if self.voi_hu is None or self.reference_voi_hu is None:
            return None
        return self.voi_hu - self.reference_voi_hu

    @property
    def voi_bias_hu(self) -> float | None:
        """Mean HU of the automatic VOI less the true mean of the reference VOI."""
        return None if self.voi_hu is None or self.true_voi_hu is None else self.voi_hu - self.true_voi_hu


@dataclass(frozen=True)
class SurplusBody:
    """An automatic body that matches no reference body.

    Attributes:
        overlaps: the reference body that it overlaps most (split, merged or badly outlined); None: a false body.
        beyond_reference: it lies above or below all reference bodies, where a reference may have left one out.
    """

    name: str
    volume_ml: float
    overlaps: str | None
    beyond_reference: bool


@dataclass(frozen=True)
class CaseResult:
    """What one scan gave.

    Attributes:
        spacing_mm: of the scan, (x, y, z).
        failure: why no vertebra was found; None if any was.
        names_certain: whether the labelling called its names certain.
        name_probability: the lowest it gave to the name of a body.
        levels: reference bodies, top to bottom, without C7.
        compared_with: as in :class:`Case`.
    """

    name: str
    group: str
    spacing_mm: tuple[float, float, float]
    failure: str | None
    names_certain: bool
    names_remark: str
    name_probability: float | None
    levels: tuple[LevelResult, ...]
    surplus: tuple[SurplusBody, ...]
    compared_with: str = ""

    @property
    def wrong_names(self) -> tuple[tuple[str, str], ...]:
        """What is called otherwise than it should be, and how: bodies, and pieces that got a name of their own."""
        bodies = ((r.level, r.found_as) for r in self.levels if r.found_as is not None and not r.named_right)
        pieces = ((p.overlaps, p.name) for p in self.surplus if p.overlaps is not None and p.overlaps != p.name)
        return (*bodies, *pieces)

    @property
    def names_right(self) -> bool | None:
        """Whether each complete body was found under its name, and nothing under another; None without bodies."""
        if not self.levels:
            return None
        invented = any(not body.beyond_reference for body in self.false_bodies)
        all_found = self.failure is None and all(r.found for r in self.levels if r.complete)
        return all_found and not invented and not self.wrong_names

    @property
    def wrong_though_certain(self) -> bool:
        """Whether a name is wrong and was called certain: nobody would be warned."""
        return self.names_certain and bool(self.wrong_names)

    @property
    def false_bodies(self) -> tuple[SurplusBody, ...]:
        """Automatic bodies that overlap no reference body."""
        return tuple(body for body in self.surplus if body.overlaps is None)
