"""What a training run is, as data."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..segmentation.levels import CHANNELS, FIRST_BODY, LAST_BODY, REGIONS
from ..segmentation.network import NetworkShape
from .synthetic import SampleSpec
from .synthetic.pose import PoseSpec
from .targets import level_table, region_table


@dataclass(frozen=True)
class LossWeights:
    """What counts in the loss.

    Attributes:
        classes: weight of each class in the cross-entropy.
        classification: of telling the classes apart, against telling foreground from background.
        border: extra weight of background beside foreground; 0: no cross-entropy of foreground against background.
        ordered: first and last of the classes that follow each other along the spine: further off costs more.
    """

    classes: tuple[float, ...]
    classification: float
    border: float
    ordered: tuple[int, int] | None


@dataclass(frozen=True)
class TrainingConfiguration:
    """One network's training.

    Attributes:
        spec: what the synthetic scans look like.
        heights: numbers of slices to crop the scans to, drawn at random: where a scan ends is anatomy too.
        table: class of each tissue label.
    """

    name: str
    network: NetworkShape
    spec: SampleSpec
    heights: tuple[int, ...]
    table: NDArray[np.int64] = field(repr=False)
    loss: LossWeights
    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup: int = 100
    ema: float = 0.998
    seed: int = 1


FINE = TrainingConfiguration(
    name="fine",
    network=NetworkShape(classes=len(REGIONS), channels=(12, 32, 64, 96), layers=(1, 3, 4, 5)),
    spec=SampleSpec(
        shape=(64, 72, 72),
        spacing_zyx_mm=(1.0, 2.0, 2.0),
        levels=(24, 7),
        offset_mm=(15.0, 16.0, 16.0),
        pose=PoseSpec(rotation=(17.0, 8.0, 8.0), bend=10.0),
    ),
    heights=(64,),
    table=region_table(),
    # A patch sees too little of the column to be sure of the class; what is asked of it first is the outline.
    loss=LossWeights(classes=(0.5, 1.0, 1.0, 1.0), classification=0.3, border=3.0, ordered=(1, 3)),
    steps=2600,
)
COARSE = TrainingConfiguration(
    name="coarse",
    network=NetworkShape(classes=len(CHANNELS), channels=(8, 24, 48, 96), layers=(1, 3, 4, 6)),
    spec=SampleSpec(
        shape=(88, 48, 64),
        spacing_zyx_mm=(5.0, 5.0, 5.0),
        levels=(22, 11),
        offset_mm=(20.0, 14.0, 14.0),
        forward_mm=25.0,
        pose=PoseSpec(bend=14.0),
    ),
    heights=(40, 56, 72, 88, 88),
    table=level_table(),
    loss=LossWeights(
        classes=(0.3, *[2.0] * 18, 1.0, 0.5), classification=1.0, border=0.0, ordered=(FIRST_BODY, LAST_BODY)
    ),
    steps=2600,
)
CONFIGURATIONS = {c.name: c for c in (FINE, COARSE)}
