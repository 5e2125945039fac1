"""What a programme's summary counts, when it raises an alarm, and what it leaves out when it is de-identified."""

import random
import re
from dataclasses import replace

import pytest

from ldct_bmd.screening.states import State
from ldct_bmd.screening.summary import Summary, summarize
from ldct_bmd.screening.summary_page import summary_html
from ldct_bmd.screening.tables import Result, Study
from ldct_bmd.words import speaking

SHIFT_MG_CM3 = 25.0  # of a calibration gone wrong


def ended(
    number: int,
    mean: float | None,
    month: int = 1,
    age: float | None = 60.0,
    sex: str | None = "F",
    category: str | None = "osteopenia",
    **more: object,
) -> tuple[Study, Result]:
    """One examination of a programme."""
    row = {
        "mean_bmd_mg_cm3": mean,
        "category": category,
        "uncertain": [],
        "fractures_confirmed": [],
        "fractures_to_check": [],
        "patient_age_years": age,
        "patient_sex": sex,
        "scan_date": f"{2024 + (month - 1) // 12}{(month - 1) % 12 + 1:02d}15",
        **more,
    }
    facts = {
        "row": row,
        "scanner_manufacturer": "ACME",
        "scanner_model": "One",
        "device_serial": "7",
        "scan_kvp": 120.0,
    }
    study = Study(id=str(number), state=State.MEASURED.value)
    result = Result(
        folder="f", code=None, sentence=None, facts=facts, cpu_s=4.0, ended=f"2026-01-01T00:{number % 60:02d}:00Z"
    )
    return study, result


def refused(code: str, sentence: str) -> tuple[Study, Result]:
    """One scan that was refused."""
    result = Result(folder=None, code=code, sentence=sentence, facts={}, cpu_s=1.0, ended="2026-01-01T01:00:00Z")
    return Study(id=code, state=State.REFUSED.value), result


def programme(shift_from: int | None = None, seed: int = 1) -> list[tuple[Study, Result]]:
    """Eighteen months of one scanner, twenty examinations each; from one month on its calibration is wrong."""
    chance = random.Random(seed)
    made = []
    for month in range(1, 19):
        for _ in range(20):
            age = chance.uniform(50, 80)
            shift = SHIFT_MG_CM3 if shift_from is not None and month >= shift_from else 0.0
            mean = 230 - 1.9 * age + chance.gauss(0, 28) + shift
            made.append(ended(len(made), mean, month, age, chance.choice("FM")))
    return made


def test_it_counts_states_refusals_certainty_and_fractures() -> None:
    found = summarize(
        [
            ended(1, 100.0, fractures_to_check=["T8"]),
            ended(2, 90.0, uncertain=["L1"], fractures_confirmed=["L2"]),
            refused("scan.a", "A."),
            refused("scan.b", "B."),
            refused("scan.b", "B."),
        ]
    )
    assert found.states == {State.MEASURED: 2, State.REFUSED: 3}
    assert found.refusals == (("scan.b", "B.", 2), ("scan.a", "A.", 1))
    assert found.certain == (1, 2)
    assert found.fractures == (1, 1)
    assert found.core_s == 4.0


def test_categories_stand_by_age_and_sex() -> None:
    found = summarize(
        [
            ended(1, 100.0, age=49.9),
            ended(2, 60.0, age=70.0, category="osteoporosis"),
            ended(3, 90.0, age=79.0, sex="M"),
            ended(4, None, age=None, sex=None, category=None),
        ]
    )
    cells = {(row.ages, row.sex): {name: n for name, n in row.counts.items() if n} for row in found.groups}
    assert cells == {
        ((0, 50), "F"): {"osteopenia": 1},
        ((70, 80), "F"): {"osteoporosis": 1},
        ((70, 80), "M"): {"osteopenia": 1},
        (None, None): {"none": 1},
    }


def test_a_mean_of_uncertain_names_is_no_point_of_the_population() -> None:
    assert summarize([ended(1, 100.0, uncertain=["L1"]), ended(2, None)]).points == ()


def test_a_calibration_gone_wrong_raises_an_alarm_soon() -> None:
    (scanner,) = summarize(programme(shift_from=13)).scanners
    months = [month for month, _ in scanner.alarms]
    assert months
    assert "2025-01" <= months[0] <= "2025-03"


@pytest.mark.parametrize("seed", range(5))
def test_a_steady_scanner_raises_hardly_any(seed: int) -> None:
    (scanner,) = summarize(programme(seed=seed)).scanners
    assert len(scanner.months) == 18
    assert len(scanner.alarms) <= 2


def test_two_scanners_are_followed_apart() -> None:
    rows = programme()
    for _, result in rows[::2]:
        result.facts = {**result.facts, "device_serial": "8"}
    assert [row.name for row in summarize(rows).scanners] == ["ACME One 7 120 kVp", "ACME One 8 120 kVp"]


def test_a_de_identified_summary_tells_of_nobody() -> None:
    rows = [*programme(), ended(999, 42.42, age=99.0, sex="M"), refused("scan.x", "Doe's scan.")]
    found = summarize(rows, deidentified=True)
    page = re.sub(r"base64,[^\"]+", "", summary_html(found, deidentified=True))  # pixels spell anything
    assert found.points == ()
    for secret in ("ACME", "Doe", "42.4"):
        assert secret not in page
    old = next(row for row in found.groups if row.ages == (80, 200))
    assert old.counts == {}
    assert "80 and over" in page


def test_a_de_identified_summary_gives_no_mean_of_fewer_than_five() -> None:
    rows = [*programme(), *(ended(number, 42.42) for number in range(4))]
    for _, result in rows[-4:]:
        result.facts = {**result.facts, "device_serial": "8"}
    assert [row.mean_mg_cm3 is None for row in summarize(rows, deidentified=True).scanners] == [False, True]
    page = re.sub(r"base64,[^\"]+", "", summary_html(summarize(rows, deidentified=True), deidentified=True))
    assert "42.4" not in page
    assert all(row.mean_mg_cm3 is not None for row in summarize(rows).scanners)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_what_was_found(language: str) -> None:
    rows = [*programme(shift_from=13), refused("scan.x", "<script>")]
    with speaking(language):
        page = summary_html(summarize(rows), deidentified=False)
    assert page.count("data:image/png;base64,") == 2
    assert "<script>" not in page
    assert "2025-0" in page


def test_an_empty_store_has_a_page_too() -> None:
    found = summarize([])
    assert found == replace(found, points=(), scanners=(), rate_per_hour=None)
    assert isinstance(found, Summary)
    assert "<h1>" in summary_html(found, deidentified=False)
