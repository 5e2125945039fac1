"""Heights of vertebral bodies, and what they say about fracture."""

from .axes import body_axes_lps
from .heights import BodyHeights, body_heights
from .losses import FRACTURE_LOSS, MIDDLE, WHOLE, HeightLoss, height_losses, smallest_loss
from .outline import Outline, check_outline

__all__ = [
    "FRACTURE_LOSS",
    "MIDDLE",
    "WHOLE",
    "BodyHeights",
    "HeightLoss",
    "Outline",
    "body_axes_lps",
    "body_heights",
    "check_outline",
    "height_losses",
    "smallest_loss",
]
