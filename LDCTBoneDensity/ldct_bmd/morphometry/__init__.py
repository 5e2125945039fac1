"""Heights of vertebral bodies, and what they say about fracture."""

from .axes import body_axes_lps
from .genant import GenantSuggestion, suggested_grade
from .heights import BodyHeights, body_heights
from .losses import FRACTURE_LOSS, HeightLoss, height_losses, smallest_loss
from .outline import Outline, check_outline

__all__ = [
    "FRACTURE_LOSS",
    "BodyHeights",
    "GenantSuggestion",
    "HeightLoss",
    "Outline",
    "body_axes_lps",
    "body_heights",
    "check_outline",
    "height_losses",
    "smallest_loss",
    "suggested_grade",
]
