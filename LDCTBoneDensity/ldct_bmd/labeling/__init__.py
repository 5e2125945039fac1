"""From voxels to vertebrae with names: bodies are separated along the spine, then named all at once."""

from .assemble import label
from .column import Vertebra, VertebralColumn, cut_by_edge

__all__ = ["Vertebra", "VertebralColumn", "cut_by_edge", "label"]
