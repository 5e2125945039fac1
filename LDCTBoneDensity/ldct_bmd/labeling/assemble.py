"""Making the vertebral column of what the networks saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import VERSE_VALUE
from ..ground.errors import CannotMeasure
from ..ground.progress import Progress
from ..scan import CTScan
from ..segmentation import NetworkBodies
from . import sacrum
from .column import Vertebra, VertebralColumn, make_vertebra, remade
from .curve import SpineCurve
from .foreground import SPINE_REGION, SpineRegion, along_the_spine, levels_at
from .gaps import count_missing
from .judge import CERTAINTY_LIMITS, CertaintyLimits, Landmarks, judge
from .name import NAMING_PRIORS, Naming, NamingPriors, assign
from .on_scan import on_scan
from .outline import OUTLINE, OutlineTuning, refine_outlines
from .recognise import SPINE_SIGNS, SpineSigns, is_spine
from .ribs import RIB_SIGNS, RibCount, RibSigns
from .sacrum import SACRUM_SIGNS, SacrumSigns
from .separate import SEPARATION, SeparationTuning, separate
from .tuned import FOUR_REAL_SCANS, SYNTHETIC, tuned
from .usual import HEIGHTS_MM, NAMES
from .votes import VOTE_WEIGHTS, VoteWeights, level_votes

LEAST_BODIES = 2  # one alone of uncertain name: a knee or a phantom has one too


@dataclass(frozen=True)
class AssemblyLimits:
    """What is a whole body, and how its outline is drawn."""

    joined: float = tuned(
        1.45,
        "a longer body, next to a name that is left out, is two",
        unit="times the length usual next to it",
        source="two bodies without their disc are longer, one body with its disc is not",
        data=SYNTHETIC,
    )
    whole: float = tuned(
        0.8,
        "if less of a body lies in its largest part, it is in two",
        unit="of its voxels",
        source="specks of noise are smaller",
        data=FOUR_REAL_SCANS,
    )
    outline_mm: float = tuned(
        1.2,
        "standard deviation of the smoothing of the outline; bodies are told apart before",
        unit="mm",
        source="Dice of the abdomen's lumbar bodies is higher by 0.01",
        data=FOUR_REAL_SCANS,
    )


ASSEMBLY_LIMITS = AssemblyLimits()


@dataclass(frozen=True)
class LabelingTuning:
    """All that labelling what the networks saw was tuned with."""

    region: SpineRegion = SPINE_REGION
    separation: SeparationTuning = SEPARATION
    votes: VoteWeights = VOTE_WEIGHTS
    signs: SpineSigns = SPINE_SIGNS
    naming: NamingPriors = NAMING_PRIORS
    assembly: AssemblyLimits = ASSEMBLY_LIMITS
    certainty: CertaintyLimits = CERTAINTY_LIMITS
    ribs: RibSigns = RIB_SIGNS
    sacrum: SacrumSigns = SACRUM_SIGNS
    outline: OutlineTuning = OUTLINE


LABELING = LabelingTuning()


class _Row(NamedTuple):
    """Bodies in a row, from the top, before they have names; see :class:`~.separate.Separation`."""

    numbers: NDArray[np.uint8]
    extents: NDArray[np.float64]
    curve: SpineCurve
    discs: NDArray[np.float64]
    on_sacrum: bool


def column_from_networks(
    segmentation: NetworkBodies, scan: CTScan, progress: Progress, tuning: LabelingTuning = LABELING
) -> VertebralColumn:
    """Return the named bodies of ``scan``; CannotMeasure if there is none."""
    progress("label", 0.0)
    foreground = along_the_spine(segmentation, tuning.region)
    row = _row(segmentation, scan, foreground, tuning)
    progress("label", 0.4)
    votes = level_votes(segmentation, row.numbers, len(row.extents), tuning.votes)
    if not is_spine(votes.recognised, votes.expected, tuning.signs):
        raise CannotMeasure("labeling.like_no_level")
    centres = row.extents.mean(axis=1)
    ribs = RibCount(segmentation, row.curve, centres, tuning.ribs)
    missing = count_missing(centres, votes.levels, tuning.naming.gaps)
    naming = assign(votes.levels, missing, ribs.evidence(), centres, row.on_sacrum, tuning.naming)
    _join_fragments(row.numbers, naming)
    bodies, vertebrae, torn = _bodies_on_scan(segmentation, scan, foreground, row, naming, tuning.assembly, progress)
    if not vertebrae:
        raise CannotMeasure("labeling.no_vertebra")
    bodies = refine_outlines(bodies, scan, [v.level for v in vertebrae if v.complete], tuning.outline)
    vertebrae = remade(vertebrae, bodies, scan.geometry)
    whole_ml = [v.volume_ml for v in vertebrae if v.complete]
    if whole_ml and np.median(whole_ml) < tuning.certainty.smallest_ml:
        raise CannotMeasure("labeling.like_no_level")
    faint = float(np.median(votes.recognised)) < tuning.signs.recognised
    landmarks = Landmarks(segmentation, row.numbers, ribs, tuning.sacrum)
    verdict = judge(naming, vertebrae, row.extents, row.discs, votes.levels, landmarks, faint, torn, tuning.certainty)
    if len(vertebrae) < LEAST_BODIES and not verdict.names_certain:
        raise CannotMeasure("labeling.one_body")
    return VertebralColumn(tuple(vertebrae), bodies, verdict.names_certain, verdict.remark, verdict.uncertain)


def _row(segmentation: NetworkBodies, scan: CTScan, foreground: NDArray[np.float32], tuning: LabelingTuning) -> _Row:
    """Return the bodies told apart, without the top of the sacrum; CannotMeasure if there is none."""
    spacing_zyx = segmentation.geometry.spacing_mm[::-1]

    def hu_at(points_zyx_mm: NDArray[np.float64]) -> NDArray[np.floating]:
        lps = segmentation.geometry.to_lps_mm((points_zyx_mm / np.asarray(spacing_zyx))[:, ::-1])
        index_zyx = scan.geometry.to_index_xyz(lps)[:, ::-1]
        return ndimage.map_coordinates(scan.hu, index_zyx.T, output=np.float32, order=1, mode="nearest")

    numbers, extents, curve, discs = separate(
        foreground, spacing_zyx, hu_at, partial(levels_at, segmentation), tuning.separation
    )
    if curve is None or not len(extents):
        raise CannotMeasure("labeling.no_vertebra")
    on_sacrum = sacrum.follows(segmentation, numbers == len(extents), tuning.sacrum)
    if on_sacrum and sacrum.is_stump(numbers, extents, tuning.sacrum):
        numbers[numbers == len(extents)] = 0
        extents, discs = extents[:-1], discs[:-1]
        on_sacrum = sacrum.follows(segmentation, numbers == len(extents), tuning.sacrum)
    return _Row(numbers, extents, curve, discs, on_sacrum)


def _bodies_on_scan(
    segmentation: NetworkBodies,
    scan: CTScan,
    foreground: NDArray[np.float32],
    row: _Row,
    naming: Naming,
    limits: AssemblyLimits,
    progress: Progress,
) -> tuple[NDArray[np.uint8], list[Vertebra], list[str]]:
    """Return the named bodies on the scan's grid: VerSe values (z, y, x), the vertebrae, the levels in two parts."""
    joined = joined_bodies(naming.positions, row.extents, limits)
    bodies = np.zeros(scan.hu.shape, dtype=np.uint8)
    boxes = ndimage.find_objects(row.numbers)
    spacing_zyx = segmentation.geometry.spacing_mm[::-1]
    outline = ndimage.gaussian_filter(foreground, [limits.outline_mm / d for d in spacing_zyx])
    vertebrae, torn = [], []
    for number, position in enumerate(naming.positions, start=1):
        progress("label", 0.5 + 0.5 * number / len(naming.positions))
        tight = boxes[number - 1] if number <= len(boxes) else None
        if tight is None or number - 1 in joined or not 0 <= position < len(NAMES):
            continue
        level = NAMES[position]
        box, body, share = on_scan(outline, row.numbers, number, tight, segmentation.geometry, scan.geometry)
        if not body.any():
            continue
        if share < limits.whole:
            torn.append(level)
        bodies[box][body & (bodies[box] == 0)] = VERSE_VALUE[level]
        vertebrae.append(make_vertebra(level, body, box, scan.geometry, naming.confidence[number - 1]))
    return bodies, vertebrae, torn


def _join_fragments(numbers: NDArray[np.uint8], naming: Naming) -> None:
    """Give neighbours of the same position the number of the lower one (in place)."""
    for number, (position, below) in enumerate(pairwise(naming.positions), start=1):
        if position == below:
            numbers[numbers == number] = number + 1


def joined_bodies(
    positions: Sequence[int], extents: NDArray[np.float64], limits: AssemblyLimits = ASSEMBLY_LIMITS
) -> frozenset[int]:
    """Return which bodies (from 0) are two in truth: a name is left out next to them, and they are as long as two.

    One no longer than others of its level with their disc is not.

    Args:
        extents: (n, 2), from where to where each body goes along the spine, in mm.
    """
    lengths = np.diff(extents, axis=1)[:, 0]
    joined = set()
    for upper, (position, below) in enumerate(pairwise(positions)):
        if below - position > 1:
            for body in (upper, upper + 1):
                others = np.delete(lengths, body)[max(0, body - 2) : body + 2]
                usual_mm = HEIGHTS_MM[NAMES[np.clip(positions[body], 0, len(NAMES) - 1)]]
                if len(others) and lengths[body] > max(limits.joined * np.median(others), usual_mm):
                    joined.add(body)
    return frozenset(joined)
