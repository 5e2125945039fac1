"""From voxels to vertebrae with names: bodies are separated along the spine, then named all at once."""

from .column import Vertebra, VertebralColumn
from .label import label

__all__ = ["Vertebra", "VertebralColumn", "label"]
