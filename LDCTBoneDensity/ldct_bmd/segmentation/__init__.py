"""Finding the vertebral bodies: the dense 3D U-nets, and ready label maps in their place."""

from .segmenter import ModelIdentity, NamedBodies, NetworkBodies, Segmentation, Segmenter

__all__ = ["ModelIdentity", "NamedBodies", "NetworkBodies", "Segmentation", "Segmenter"]
