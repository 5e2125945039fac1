"""A network small enough to be trained in a test, on scans from an atlas of blocks."""

from dataclasses import replace
from pathlib import Path

from helpers_atlas import HIGHEST, LOWEST
from ldct_bmd.segmentation.runtime import NetworkShape
from ldct_bmd_lab.torso import Atlas, SampleSpec
from ldct_bmd_lab.training.configuration import FINE, Schedule, TrainingConfiguration
from ldct_bmd_lab.training.examples import SyntheticSource
from ldct_bmd_lab.training.loop import Trainer

SPEC = SampleSpec((32, 32, 32), (2.0, 2.0, 2.0), levels=(LOWEST, HIGHEST), offset_mm=(4.0, 3.0, 3.0))


def small(steps: int) -> TrainingConfiguration:
    """A configuration of the fine network's kind that takes some milliseconds a step."""
    return replace(
        FINE,
        name="small",
        network=NetworkShape(4, (4, 8), (1, 1)),
        spec=SPEC,
        heights=(16, 32),
        steps=steps,
        schedule=Schedule(warmup=2),
        epoch=2,
        validation=2,
    )


def trainer_of(configuration: TrainingConfiguration, atlas: Atlas, folder: Path, workers: int = 0) -> Trainer:
    """A trainer on scans of ``atlas``."""
    source = SyntheticSource(((atlas, 1.0),), configuration.spec)
    return Trainer(configuration, source, folder, held_out=source, workers=workers)
