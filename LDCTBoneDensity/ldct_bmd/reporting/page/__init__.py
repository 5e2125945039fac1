"""The report for people: one model made from the record, and HTML and PDF as views of it."""

from .compose import compose
from .html import to_html
from .pdf import to_pdf
from .report import Picture, Report

__all__ = ["Picture", "Report", "compose", "to_html", "to_pdf"]
