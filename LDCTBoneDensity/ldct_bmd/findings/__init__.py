"""Findings: what a reader must know about a scan or a measurement. A finding never changes a number."""

from .codes import Effect, FindingCode, Severity
from .finding import GENERAL, Finding, told_finding

__all__ = ["GENERAL", "Effect", "Finding", "FindingCode", "Severity", "told_finding"]
