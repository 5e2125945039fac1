"""Whether a row of bodies is a spine: rods of a phantom, limbs and spines upside down look like one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .tuned import NO_SPINES, tuned


@dataclass(frozen=True)
class SpineSigns:
    """What a spine shows that other rows do not."""

    recognised: float = tuned(
        0.4,
        "the least, in the median of the bodies, of the two likeliest levels, which are neighbours",
        unit="probability of the coarse network",
        source="rows in limbs have less",
        data=NO_SPINES,
    )
    row: int = tuned(
        6,
        "bodies from which on their order helps to tell a spine",
        unit="bodies",
        source="fewer are in order by chance",
        data=NO_SPINES,
    )
    step: float = tuned(
        0.4,
        "how far two neighbours' expected levels may be from one apart",
        unit="levels",
        source="less than half a level",
        data=NO_SPINES,
    )
    in_step: float = tuned(
        0.65,
        "steps of a row that are so",
        unit="of its steps",
        source="whole chests have 0.77 and more, the rods and reversed spines seen up to 0.58",
        data=NO_SPINES,
    )
    off_line: float = tuned(
        0.5,
        "how far, on average, a row may be off one level a body",
        unit="levels",
        source="whole rows of rods and reversed spines have 0.6 and more",
        data=NO_SPINES,
    )
    recognised_in_step: float = tuned(
        0.33,
        "enough, in place of ``recognised``, for a row in step and on the line; its names are uncertain",
        unit="probability of the coarse network",
        source="its order speaks for it",
        data=NO_SPINES,
    )
    cervical: float = tuned(
        0.5,
        "expected level below which a body counts as C7 or above",
        unit="levels below C7",
        source="half way to T1",
        data=NO_SPINES,
    )


SPINE_SIGNS = SpineSigns()


def is_spine(recognised: NDArray[np.floating], expected: NDArray[np.floating], signs: SpineSigns = SPINE_SIGNS) -> bool:
    """Tell a spine from a row of other things, which the coarse network gives no level or levels out of order.

    Args:
        recognised: (n,) probability that each body, from above, is of its likeliest two levels.
        expected: (n,) its expected level, counted downwards.
    """
    probability = float(np.median(recognised))
    # All above C7 have its level: the last of them is C7.
    row = expected[max(0, int((expected < signs.cervical).sum()) - 1) :]
    if len(row) >= signs.row:
        first = row - np.arange(len(row))
        on_line = np.abs(first - np.median(first)).mean() <= signs.off_line
        in_step = (np.abs(np.diff(row) - 1.0) <= signs.step).mean() >= signs.in_step
        if on_line and in_step:
            return probability >= signs.recognised_in_step
        if not on_line and not in_step:
            return False
    return probability >= signs.recognised
