"""Where training examples come from, each from a random stream of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ldct_bmd.segmentation.normalize import normalize

from ..torso import Atlas, SampleSpec, sample
from .configuration import TrainingConfiguration

TRAINING, VALIDATION = 0, 1
Example = tuple[Tensor, Tensor]


class Source(Protocol):
    """Gives scans with their labels."""

    def draw(self, rng: np.random.Generator, slices: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return HU and labels (see :mod:`.targets`), both (slices, y, x); the same ``rng`` state gives the same."""


@dataclass(frozen=True)
class SyntheticSource:
    """Synthetic scans.

    Attributes:
        atlases: the anatomies to draw from, each with its weight.
    """

    atlases: tuple[tuple[Atlas, float], ...]
    spec: SampleSpec

    def draw(self, rng: np.random.Generator, slices: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Draw a scan and cut ``slices`` of it out."""
        drawn = sample(rng, _weighted(rng, self.atlases), self.spec)
        start = int(rng.integers(0, len(drawn.hu) - slices + 1))
        return drawn.hu[start : start + slices], drawn.labels[start : start + slices]


@dataclass(frozen=True)
class MixedSource:
    """Several sources, each with its weight."""

    parts: tuple[tuple[Source, float], ...]

    def draw(self, rng: np.random.Generator, slices: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Draw from one of the sources."""
        return _weighted(rng, self.parts).draw(rng, slices)


def _weighted(rng: np.random.Generator, parts):  # type: ignore[no-untyped-def]
    weights = np.array([weight for _, weight in parts], dtype=np.float64)
    return parts[int(rng.choice(len(parts), p=weights / weights.sum()))][0]


def stream(seed: int, *place: int) -> np.random.Generator:
    """Return the random stream of one place (purpose, step, example) in a run."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))


def example(rng: np.random.Generator, source: Source, configuration: TrainingConfiguration, slices: int) -> Example:
    """Draw a training pair: input (1, slices, y, x) and classes (slices, y, x)."""
    hu, labels = source.draw(rng, slices)
    inputs = torch.from_numpy(normalize(np.ascontiguousarray(hu)))
    return inputs[None], torch.from_numpy(configuration.table[labels])


class TrainingExamples(Dataset[Example]):
    """All examples of a run: number ``step * batch + i`` is the i-th of its step, whoever asks for it."""

    def __init__(self, source: Source, configuration: TrainingConfiguration) -> None:
        self.source = source
        self.configuration = configuration

    def __getitem__(self, number: int) -> Example:
        """Draw one; those of a step have the same height."""
        configuration = self.configuration
        step, place = divmod(number, configuration.batch)
        slices = int(stream(configuration.seed, TRAINING, step).choice(configuration.heights))
        return example(stream(configuration.seed, TRAINING, step, place), self.source, configuration, slices)


def batches(source: Source, configuration: TrainingConfiguration, first_step: int, workers: int) -> Iterator[Example]:
    """Give the batches of the steps from ``first_step`` on, the same whatever the number of worker processes."""
    batch = configuration.batch
    loader = DataLoader(
        TrainingExamples(source, configuration),
        batch_size=batch,
        sampler=range(first_step * batch, configuration.steps * batch),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        generator=torch.Generator(),
    )
    return iter(loader)


def validation_examples(source: Source, configuration: TrainingConfiguration) -> list[Example]:
    """Draw the fixed examples that no step trains on, each a batch of one."""
    slices = max(configuration.heights)
    streams = (stream(configuration.seed, VALIDATION, i) for i in range(configuration.validation))
    drawn = (example(rng, source, configuration, slices) for rng in streams)
    return [(inputs[None], target[None]) for inputs, target in drawn]
