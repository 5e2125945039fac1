"""Finding the vertebral bodies: the dense 3D U-nets, and ready label maps in their place."""

from .segmenter import ClassBodies, ModelIdentity, NamedBodies, NetworkBodies, RuntimeIdentity, Segmentation, Segmenter

__all__ = [
    "ClassBodies",
    "ModelIdentity",
    "NamedBodies",
    "NetworkBodies",
    "RuntimeIdentity",
    "Segmentation",
    "Segmenter",
]
