"""From voxels to vertebrae with names: bodies are separated along the spine, then named all at once."""

from .column import Vertebra, VertebralColumn, cut_by_edge, find_bodies
from .label_scan import label
from .unlike import explained

__all__ = ["Vertebra", "VertebralColumn", "cut_by_edge", "explained", "find_bodies", "label"]
