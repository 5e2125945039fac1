"""Outlines of vertebral bodies brought to the half maximum of their edges in the scan."""

from .refine import OUTLINE, OutlineTuning, refine_outlines

__all__ = ["OUTLINE", "OutlineTuning", "refine_outlines"]
