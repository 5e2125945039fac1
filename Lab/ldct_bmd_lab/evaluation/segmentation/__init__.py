"""Evaluation of segmentation and labelling against reference masks: per body, per scan, and in sum."""

from .case import Case, CaseResult, LevelResult, SurplusBody
from .evaluate import compare_bodies, evaluate_case
from .summary import Summary, summarize

__all__ = [
    "Case",
    "CaseResult",
    "LevelResult",
    "Summary",
    "SurplusBody",
    "compare_bodies",
    "evaluate_case",
    "summarize",
]
