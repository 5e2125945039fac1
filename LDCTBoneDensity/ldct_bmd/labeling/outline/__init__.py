"""Outlines of vertebral bodies brought to the half maximum of their edges in the scan."""

from .refine import refine_outlines

__all__ = ["refine_outlines"]
