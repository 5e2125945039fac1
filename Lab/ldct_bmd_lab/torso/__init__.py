"""Synthetic low-dose chest CT with labels, from an atlas of the torso."""

from .atlas import Atlas, load_atlas
from .sampler import Sample, SampleSpec, sample

__all__ = ["Atlas", "Sample", "SampleSpec", "load_atlas", "sample"]
