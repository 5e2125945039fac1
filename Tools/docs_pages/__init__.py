"""The pages of the documentation that are made from the program itself, so that they can't fall behind it."""

from collections.abc import Callable
from pathlib import Path

from . import commands, drawings, exits, findings, rule_sets, schemas, transfers

ROOT = Path(__file__).parents[2]
_MODEL_CARD = ROOT / "LDCTBoneDensity" / "ldct_bmd" / "segmentation" / "model" / "MODEL_CARD.md"


def _copy(path: Path) -> Callable[[], str]:
    return lambda: path.read_text(encoding="utf-8")


# By the page's path on the site.
PAGES: dict[str, Callable[[], str]] = {
    "reference/command-line.md": commands.page,
    "reference/exit-codes.md": exits.page,
    "reference/findings.md": findings.page,
    "reference/rule-sets.md": rule_sets.page,
    "reference/record.md": schemas.record_page,
    "reference/worklist.md": schemas.worklist_page,
    "model-card.md": _copy(_MODEL_CARD),
    "changes.md": _copy(ROOT / "CHANGELOG.md"),
}
PICTURES: dict[str, Callable[[], bytes]] = {
    "pictures/voi.svg": drawings.voi,
    "pictures/categories.svg": drawings.categories,
    "pictures/flow.svg": drawings.flow,
    "pictures/heights.svg": drawings.heights,
    "pictures/findings.svg": drawings.findings,
    "pictures/tube-voltage.svg": transfers.picture,
}
