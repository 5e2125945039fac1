"""What a segmenter is and what it gives, whatever is behind it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..ground.progress import Progress, silent
from ..scan import CTScan, Geometry


@dataclass(frozen=True)
class RuntimeIdentity:
    """What ran the networks.

    Attributes:
        device: "cpu", "cuda", "mps", ...
        precision: "float32" or "bfloat16".
    """

    name: str
    version: str
    device: str
    precision: str


@dataclass(frozen=True)
class ModelIdentity:
    """Which model, or which file, made a segmentation; ``runtime`` None: no networks did."""

    name: str
    sha256: str | None
    runtime: RuntimeIdentity | None = None


@dataclass(frozen=True)
class NetworkBodies:
    """Vertebral bodies as the networks see them, not yet separated or named.

    Attributes:
        geometry: the networks' fine grid, 2 x 2 x 1 mm.
        class_probability: (4, z, y, x) float16 on ``geometry``: background, T1-T6, T7-T12, lumbar.
        level_geometry: the coarse grid of the whole scan.
        level_probability: (levels, z, y, x) float16 on ``level_geometry``; see :mod:`.levels` for the channels.
    """

    geometry: Geometry
    class_probability: NDArray[np.float16]
    level_geometry: Geometry
    level_probability: NDArray[np.float16]


@dataclass(frozen=True)
class NamedBodies:
    """Vertebral bodies that already have names, from a ready label map.

    Attributes:
        labels: (z, y, x) on the scan's grid, VerSe values, 0 background.
        cut: values of bodies that the edge of the label map cuts, though the scan may show them whole.
        seen: what the networks see of the same scan, which may speak against the names; None if none looked at it.
    """

    labels: NDArray[np.uint8]
    cut: frozenset[int] = frozenset()
    seen: NetworkBodies | None = None


@dataclass(frozen=True)
class ClassBodies:
    """Vertebral bodies as one network sees them, by class alone.

    Attributes:
        geometry: the network's grid, 2 x 2 x 1 mm.
        class_probability: (4, z, y, x) float16 on ``geometry``: background, T1-T6, T7-T12, lumbar.
    """

    geometry: Geometry
    class_probability: NDArray[np.float16]


Segmentation = NamedBodies | NetworkBodies | ClassBodies


class Segmenter(Protocol):
    """Finds the vertebral bodies of a scan."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is, for the record."""

    def __call__(self, scan: CTScan, progress: Progress = silent) -> Segmentation:
        """Segment ``scan``; CannotMeasure if this segmenter can't."""
