"""The report as data: every text ready to print, nothing about how it looks."""

from dataclasses import dataclass
from typing import Literal

Align = Literal["left", "right"]
BAR_LOW, BAR_HIGH = 0.0, 200.0  # ends of the scale of categories, mg/cm3


@dataclass(frozen=True)
class Fact:
    """A name and its value."""

    label: str
    value: str


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    heading: str
    align: Align = "left"


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; ``muted`` rows do not count for the result."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    muted: tuple[int, ...] = ()


@dataclass(frozen=True)
class State:
    """How far a reader vouches for the report."""

    kind: Literal["automatic", "corrected", "signed"]
    headline: str
    detail: str


@dataclass(frozen=True)
class BarPart:
    """One category on the colour bar."""

    label: str
    low: float
    high: float
    color: str


@dataclass(frozen=True)
class ColourBar:
    """The mean on the scale of the categories, in mg/cm3; ``marker`` is ``value`` moved onto the bar."""

    low: float
    high: float
    parts: tuple[BarPart, ...]
    ticks: tuple[float, ...]
    value: float
    marker: float
    value_text: str
    title: str
    description: str


@dataclass(frozen=True)
class Note:
    """One finding; ``severity`` is for the eye, ``tag`` the word for it."""

    severity: str
    tag: str
    text: str


@dataclass(frozen=True)
class Picture:
    """A PNG; ``group`` "spine" or "voi"."""

    name: str
    group: str
    caption: str
    png: bytes
    width_px: int
    height_px: int


@dataclass(frozen=True)
class ReferenceView:
    """Where the patient stands in a population; ``picture`` is None where there is nothing to show."""

    line: str
    notes: tuple[str, ...]
    picture: Picture | None


@dataclass(frozen=True)
class Report:
    """All that a report shows.

    Attributes:
        alert: what leads the result whatever the BMD (a fracture that a reader confirmed), "" where nothing does.
        bar: None where no category may be given: there is then nothing to compare with its thresholds.
        levels_line: which levels are used, which are not, and why.
        uncertainty: the budget; None where the record states no error.
        comment: the reader's own words, "" where there are none.
        record_sha256: the state of the record that the report shows.
    """

    language: str
    title: str
    research_use: str
    copy: str
    state: State
    patient: tuple[Fact, ...]
    scan: tuple[Fact, ...]
    alert: str
    category: str
    statement: str
    bar: ColourBar | None
    mean_line: str
    warnings: tuple[str, ...]
    levels_line: tuple[str, ...]
    comment: str
    levels: Table
    uncertainty: Table | None
    priors: Table | None
    same_place: Table | None
    reference: ReferenceView | None
    findings: tuple[Note, ...]
    calibration: tuple[Fact, ...]
    method: tuple[str, ...]
    software: tuple[Fact, ...]
    history: Table
    pictures: tuple[Picture, ...]
    patient_id: str
    record_sha256: str
