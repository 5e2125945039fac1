"""What a programme found: counts, categories by age and sex, BMD by age, scanners, drift, throughput. Numbers only."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from ..calibration.drift import ControlChart, control_chart
from ..calibration.provenance import read_date
from ..ground.errors import UsageError
from ..rules import Category
from ..words import Phrase
from .states import State
from .tables import Result, Study

AGE_GROUPS = ((0, 50), (50, 60), (60, 70), (70, 80), (80, 200))
LEAST_FOR_AGE = 30  # examinations from which on age and sex are taken out of the monthly means
LEAST_A_MONTH = 5  # examinations: the mean of fewer is not followed
HIDDEN_UNDER = 5  # de-identified: smaller counts may tell of whom they are
_NO_CATEGORY = "none"


@dataclass(frozen=True)
class Point:
    """One examination with a mean BMD, of those whose names are certain.

    Attributes:
        levels, material, has_category: of the mean, as :func:`..reference.unfit` takes them; what was not kept of it
            leaves it out where there is a population to compare with.
        soft_tissue_hu: mean of fat and muscle, in a scan without contrast agent; None too where it was not kept.
    """

    age_years: float | None
    sex: str | None
    mean_bmd_mg_cm3: float
    scanner: str
    month: str | None
    levels: tuple[str, ...] = ()
    material: str | None = None
    has_category: bool = False
    soft_tissue_hu: float | None = None


@dataclass(frozen=True)
class GroupRow:
    """How many examinations of an age group and a sex have each category."""

    ages: tuple[int, int] | None
    sex: str | None
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Monthly:
    """What is followed by month.

    Attributes:
        months: YYYY-MM, of the months with enough examinations.
        means: of these months, as measured.
        chart: how far they lie from the mean of the first months, in standard errors, age and sex taken out.
    """

    months: tuple[str, ...]
    means: tuple[float, ...]
    chart: ControlChart

    @property
    def alarms(self) -> tuple[tuple[str, Phrase], ...]:
        """Month and alarm."""
        return tuple((m, alarm) for m, found in zip(self.months, self.chart.alarms, strict=True) for alarm in found)


@dataclass(frozen=True)
class ScannerRow:
    """What one scanner's examinations come to.

    Attributes:
        mean_mg_cm3: of all of them; None where it may tell of whom they are.
        bmd: their mean BMD.
        soft_tissue: their fat and muscle, which differ less between people: a shift of the HU scale is seen sooner.
    """

    name: str
    examinations: int
    mean_mg_cm3: float | None
    bmd: Monthly
    soft_tissue: Monthly


@dataclass(frozen=True)
class Summary:
    """What a programme found.

    Attributes:
        refusals: code, a sentence of it, and how many, the most frequent first.
        certain: examinations of which all measured levels have certain names; of how many with a measured level.
        core_s: median processor time of a measurement.
        rate_per_hour: measurements ended an hour, between the first and the last; None for fewer than two.
        materials: the equivalents that the BMD is in.
    """

    states: Mapping[State, int]
    refusals: tuple[tuple[str, str, int], ...]
    groups: tuple[GroupRow, ...]
    scanners: tuple[ScannerRow, ...]
    points: tuple[Point, ...]
    certain: tuple[int, int]
    fractures: tuple[int, int]
    core_s: float | None
    rate_per_hour: float | None
    materials: tuple[str, ...] = ()


def summarize(ended: Sequence[tuple[Study, Result]], deidentified: bool = False) -> Summary:
    """Sum up what ended.

    Args:
        deidentified: counts under five and means of fewer are left out, and scanners get numbers in place of names.
    """
    least = HIDDEN_UNDER if deidentified else 1
    measured = [result.facts for _, result in ended if result.folder is not None]
    rows: list[Mapping[str, Any]] = [facts["row"] for facts in measured if isinstance(facts["row"], Mapping)]
    points = [point for facts, row in zip(measured, rows, strict=True) for point in _points(facts, row)]
    named = [row for facts, row in zip(measured, rows, strict=True) if facts.get("names_certain")]
    if deidentified:
        points = _numbered(points)
    return Summary(
        states=Counter(State(result.state) for _, result in ended),
        refusals=_refusals(result for _, result in ended),
        groups=tuple(_groups(rows, least)),
        scanners=tuple(_scanners(points, least)),
        points=() if deidentified else tuple(points),
        certain=(sum(not row["uncertain"] for row in named), len(named)),
        fractures=(
            sum(bool(row["fractures_confirmed"]) for row in rows),
            sum(bool(row["fractures_to_check"]) for row in rows),
        ),
        core_s=statistics.median(result.cpu_s for _, result in ended if result.folder) if measured else None,
        rate_per_hour=_rate([result.ended for _, result in ended]),
        materials=tuple(sorted({str(facts["bmd_material"]) for facts in measured if facts.get("bmd_material")})),
    )


def _points(facts: Mapping[str, object], row: Mapping[str, Any]) -> Iterable[Point]:
    mean = row["mean_bmd_mg_cm3"]
    if mean is None or row["uncertain"]:
        return
    parts = (facts.get(name) for name in ("scanner_manufacturer", "scanner_model", "device_serial", "scan_kvp"))
    scanner = " ".join(f"{part:g} kVp" if isinstance(part, float) else str(part) for part in parts if part is not None)
    yield Point(
        row["patient_age_years"],
        row["patient_sex"],
        mean,
        scanner,
        _month(row["scan_date"]),
        tuple(str(facts.get("levels_used") or "").split()),
        None if facts.get("bmd_material") is None else str(facts["bmd_material"]),
        row["category"] is not None,
        facts.get("soft_tissue_hu"),  # type: ignore[arg-type]
    )


def _month(date: str | None) -> str | None:
    try:
        return None if date is None else read_date(date).strftime("%Y-%m")
    except UsageError:
        return None


def _numbered(points: Sequence[Point]) -> list[Point]:
    names = {name: str(number) for number, name in enumerate(sorted({point.scanner for point in points}), start=1)}
    return [replace(p, scanner=names[p.scanner]) for p in points]


def _refusals(results: Iterable[Result]) -> tuple[tuple[str, str, int], ...]:
    count: Counter[str] = Counter()
    sentences: dict[str, str] = {}
    for result in results:
        if result.code is not None:
            count[result.code] += 1
            sentences.setdefault(result.code, result.sentence or "")
    return tuple((code, sentences[code], number) for code, number in count.most_common())


def _groups(rows: Sequence[Mapping[str, Any]], least: int) -> Iterable[GroupRow]:
    cells: dict[tuple[tuple[int, int] | None, str | None], Counter[str]] = defaultdict(Counter)
    for row in rows:
        cells[_age_group(row["patient_age_years"]), row["patient_sex"]][row["category"] or _NO_CATEGORY] += 1
    names = [*(category.value for category in Category), _NO_CATEGORY]
    for (ages, sex), counts in sorted(cells.items(), key=lambda cell: (cell[0][0] or (999, 999), cell[0][1] or "~")):
        yield GroupRow(ages, sex, {name: counts[name] for name in names if counts[name] >= least})


def _age_group(age: float | None) -> tuple[int, int] | None:
    return None if age is None else next((group for group in AGE_GROUPS if group[0] <= age < group[1]), None)


def _scanners(points: Sequence[Point], least: int) -> Iterable[ScannerRow]:
    by_scanner: dict[str, list[int]] = defaultdict(list)
    for number, point in enumerate(points):
        by_scanner[point.scanner].append(number)
    bmd = _followed("summary.chart", points, [point.mean_bmd_mg_cm3 for point in points], by_scanner)
    tissue = _followed(
        "summary.tissue_chart", points, [point.soft_tissue_hu for point in points], by_scanner, runs=False
    )
    for name, numbers in sorted(by_scanner.items()):
        mean = statistics.fmean(points[number].mean_bmd_mg_cm3 for number in numbers)
        yield ScannerRow(name, len(numbers), mean if len(numbers) >= least else None, bmd[name], tissue[name])


def _followed(
    code: str,
    points: Sequence[Point],
    values: Sequence[float | None],
    by_scanner: Mapping[str, Sequence[int]],
    runs: bool = True,
) -> dict[str, Monthly]:
    """Return by month what each scanner's ``values``, one a point, come to; None is passed over."""
    known = [number for number, value in enumerate(values) if value is not None]
    measured = np.array([values[number] for number in known], dtype=float)
    adjusted = dict(zip(known, _adjusted([points[number] for number in known], measured), strict=True))
    found = {}
    for name, numbers in by_scanner.items():
        by_month: dict[str, list[int]] = defaultdict(list)
        for number in numbers:
            month = points[number].month
            if number in adjusted and month is not None:
                by_month[month].append(number)
        months = [month for month in sorted(by_month) if len(by_month[month]) >= LEAST_A_MONTH]
        scores = _scores([np.array([adjusted[n] for n in by_month[month]]) for month in months])
        means = tuple(statistics.fmean(values[n] or 0.0 for n in by_month[month]) for month in months)
        chart = control_chart(Phrase(code), "SE", scores, least_sigma=1.0, runs=runs)
        found[name] = Monthly(tuple(months) if scores else (), means if scores else (), chart)
    return found


def _scores(months: Sequence[Any]) -> list[float]:
    """Return the mean of each month in its standard errors; none if all values are alike.

    The spread is that within months: a shift between them does not hide in it.
    """
    free = sum(len(month) - 1 for month in months)
    spread = math.sqrt(sum(float(((month - month.mean()) ** 2).sum()) for month in months) / free) if free else 0.0
    return [float(month.mean()) * math.sqrt(len(month)) / spread for month in months] if spread > 0.0 else []


def _adjusted(points: Sequence[Point], values: Any) -> Any:
    """Return each value less what age and sex let expect, by least squares over the programme; (n,)."""
    known = np.array([point.age_years is not None for point in points], dtype=bool)
    if not len(values):
        return values
    expected = np.full(len(values), values.mean())
    if known.sum() >= LEAST_FOR_AGE:
        ages = np.array([point.age_years for point in points if point.age_years is not None])
        women = np.array([point.sex == "F" for point in points if point.age_years is not None], dtype=float)
        terms = np.column_stack([np.ones_like(ages), ages, women, women * ages])
        fit, *_ = np.linalg.lstsq(terms, values[known], rcond=None)
        expected[known] = terms @ fit
    return values - expected


def _rate(ended: Sequence[str]) -> float | None:
    times = sorted(datetime.fromisoformat(text.replace("Z", "+00:00")) for text in ended if text)
    hours = (times[-1] - times[0]).total_seconds() / 3600.0 if times else 0.0
    return (len(times) - 1) / hours if hours > 0.0 else None
