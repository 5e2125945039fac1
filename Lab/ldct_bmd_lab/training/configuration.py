"""What a training run is, as data: the configurations beside this file, or a file of one's own."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.segmentation.levels import CHANNELS, REGIONS
from ldct_bmd.segmentation.runtime import NetworkShape

from ..torso import SampleSpec
from .targets import TABLES

FOLDER = Path(__file__).parent / "configurations"


@dataclass(frozen=True)
class LossWeights:
    """What counts in the loss, and how much.

    Attributes:
        classes: weight of each class in the cross-entropy.
        dice: Dice loss over the classes present.
        entropy: cross-entropy over the classes.
        found: Dice loss of foreground against background.
        border: cross-entropy of foreground against background, with this extra weight beside foreground; 0: none.
        order: how many classes off, along those that follow each other.
        ordered: first and last of the classes that follow each other along the spine.
    """

    classes: tuple[float, ...]
    dice: float = 1.0
    entropy: float = 0.0
    found: float = 0.0
    border: float = 0.0
    order: float = 0.0
    ordered: tuple[int, int] | None = None


@dataclass(frozen=True)
class Schedule:
    """How the learning rate falls.

    Attributes:
        kind: "cosine" over the whole run, or on a "plateau" of the validation Dice.
        warmup: steps in which it rises first.
        floor: what is left of it at the end of the cosine.
        factor: what is left of it after each plateau.
        patience: epochs without an improvement that make a plateau.
    """

    kind: Literal["cosine", "plateau"] = "cosine"
    warmup: int = 100
    floor: float = 0.02
    factor: float = 0.5
    patience: int = 3


@dataclass(frozen=True)
class Augmentation:
    """How annotated scans are varied.

    Attributes:
        about: what they are cut out about: the spine, the middle of the trunk, or this too, with a window that slides
            in equal steps over all that is labelled.
        rotation: standard deviations about x, y and z, in degrees.
        scale: uniform range.
        mirror: whether left and right are swapped, half the time.
        hu_scale, hu_shift: standard deviations of a miscalibrated scale.
        rescan: chance of noise, streaks, thicker slices, ... as synthetic scans have them, on top of the scan's own.
        beyond: what a piece shows where the scan ends: its edge again, or air, as the network meets it in use.
    """

    about: Literal["spine", "trunk", "window"] = "spine"
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    mirror: bool = False
    hu_scale: float = 0.0
    hu_shift: float = 0.0
    rescan: float = 0.0
    beyond: Literal["edge", "air"] = "edge"


@dataclass(frozen=True)
class FineTuning:
    """What changes where a run starts from weights."""

    learning_rate: float
    steps: int


@dataclass(frozen=True)
class TrainingConfiguration:
    """One network's training.

    Attributes:
        classes: what the network tells apart: the fine network's regions, or the coarse one's levels.
        spec: what the synthetic scans look like; shape and spacing hold for real ones too.
        heights: numbers of slices to crop the scans to, drawn at random: where a scan ends is anatomy too.
        epoch: steps between two looks at the validation examples.
        validation: how many of these there are.
        batch: examples a step; they share the height drawn.
        ema: how much of the averaged weights is kept at each step.
        augmentation: how annotated scans are varied.
        annotated_share: how many of the examples are of them, where there are synthetic ones too.
        held_out: share of them kept for validation.
    """

    name: str
    classes: Literal["regions", "levels"]
    network: NetworkShape
    spec: SampleSpec
    heights: tuple[int, ...]
    loss: LossWeights
    steps: int
    about: str = ""
    epoch: int = 250
    validation: int = 8
    batch: int = 2
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    schedule: Schedule = field(default_factory=Schedule)
    ema: float = 0.998
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)
    annotated_share: float = 0.5
    held_out: float = 0.2  # Pan et al. 2020: 40 of 200 scans
    fine_tuning: FineTuning | None = None

    def __post_init__(self) -> None:
        """Check what the types don't say; ValueError."""
        if not self.name.isidentifier():
            raise ValueError(f"its name {self.name!r} names files: letters, digits and underscores")
        known = len({"regions": REGIONS, "levels": CHANNELS}[self.classes])
        whole = self.network.stride
        if self.network.classes != known or len(self.loss.classes) != known:
            raise ValueError(f"{self.classes} are {known} classes: the network and the loss must have as many")
        if len(self.network.layers) != len(self.network.channels):
            raise ValueError("the network must have as many layers as channels")
        if any(n % whole for n in (*self.heights, *self.spec.shape[1:])) or max(self.heights) > self.spec.shape[0]:
            raise ValueError(f"heights and shape must be multiples of {whole}, and no height above the shape's")
        if not (0 <= self.annotated_share <= 1 and 0 <= self.held_out < 1):
            raise ValueError("annotated_share and held_out are shares")
        if min(self.steps, self.epoch, self.batch, self.schedule.warmup, *self.heights) < 1:
            raise ValueError("steps, epoch, batch, warmup and heights must be at least 1")

    @property
    def digest(self) -> str:
        """What tells the run from others: all but how far and how fast it goes, and what is said of it."""
        kept = to_plain(replace(self, steps=1, learning_rate=0.0, fine_tuning=None, about=""))
        return hashlib.sha256(json.dumps([kept, self.table.tolist()], sort_keys=True).encode()).hexdigest()

    @property
    def table(self) -> NDArray[np.int64]:
        """The class of each of the 256 labels of a scan."""
        return TABLES[self.classes]


def load_configuration(name_or_file: str | Path) -> TrainingConfiguration:
    """Return the named configuration, or the one that a JSON file describes; UsageError if there is none."""
    path = FOLDER / f"{name_or_file}.json"
    if not path.is_file():
        path = Path(name_or_file)
    if not path.is_file():
        raise UsageError.of_text(
            f"There is no configuration {str(name_or_file)!r}: train {', '.join(names())}, or a JSON file."
        )
    try:
        return from_plain(TrainingConfiguration, json.loads(path.read_text(encoding="utf-8")), "the file")
    except ValueError as error:
        raise UsageError.of_text(f"The configuration {path.name} cannot be used: {error}.") from error


def names() -> list[str]:
    """Return the names of the configurations that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


CONFIGURATIONS = {name: load_configuration(name) for name in names()}
FINE, COARSE = CONFIGURATIONS["fine"], CONFIGURATIONS["coarse"]
