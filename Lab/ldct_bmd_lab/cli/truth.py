"""A phantom's truth beside what was measured."""

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ldct_bmd.examination import Examination


def print_truth(console: Console, truth: Mapping[str, tuple[float, float]], examination: Examination) -> None:
    """Print (mean HU, BMD) that a phantom was made with, by level, beside what was measured."""
    table = Table(box=box.SIMPLE_HEAD, title="The phantom's truth, and what was measured", title_justify="left")
    table.add_column("level")
    for heading in ("true HU", "measured", "difference", "true BMD", "measured", "difference"):
        table.add_column(heading, justify="right")
    for level, true in truth.items():
        found = examination.measurement(level)
        cells = ["-"] * 6
        if found is not None:
            pairs = zip(true, (found.mean_hu, found.bmd_mg_cm3), strict=True)
            cells = [cell for a, b in pairs for cell in (f"{a:.1f}", f"{b:.1f}", f"{b - a:+.1f}")]
        table.add_row(Text(level, "bold"), *cells)
    console.print(table)
