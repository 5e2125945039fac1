"""Bone mineral density of T12-L2 from low-dose chest CT: the engine, importable without 3D Slicer."""

__version__ = "0.1.0"
