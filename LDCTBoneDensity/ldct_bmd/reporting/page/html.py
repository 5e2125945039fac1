"""The report as one HTML file: nothing is loaded from elsewhere, and no script runs."""

import base64
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ...words import catalogue
from .report import Report

TEMPLATE = "report.html.j2"


def to_html(report: Report) -> str:
    """Return the report as HTML; the same report gives the same text."""
    return _template().render(report=report, say=catalogue(report.language))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_url"] = _data_url
    return environment.get_template(TEMPLATE)


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
