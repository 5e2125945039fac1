"""What a programme's summary counts, when it raises an alarm, and what it leaves out when it is de-identified."""

import re
from dataclasses import replace

import pytest

from helpers_programme import FIRST_SHIFTED, MONTHS, ended, programme
from ldct_bmd.screening.states import State
from ldct_bmd.screening.summary import Summary, summarize
from ldct_bmd.screening.summary_page import summary_html
from ldct_bmd.screening.tables import Result, Study
from ldct_bmd.words import speaking

SHIFT_HU = 10.0  # of the HU scale: 8 mg/cm3


def refused(code: str, sentence: str) -> tuple[Study, Result]:
    """One scan that was refused."""
    state = State.REFUSED.value
    result = Result(
        state=state, folder=None, code=code, sentence=sentence, facts={}, cpu_s=1.0, ended="2026-01-01T01:00:00Z"
    )
    return Study(id=code, state=state), result


def test_it_counts_states_refusals_certainty_and_fractures() -> None:
    found = summarize(
        [
            ended(1, 100.0, fractures_to_check=["T8"]),
            ended(2, 90.0, uncertain=["L1"], fractures_confirmed=["L2"]),
            ended(3, None),  # nothing was measured, nothing is certain
            refused("scan.a", "A."),
            refused("scan.b", "B."),
            refused("scan.b", "B."),
        ]
    )
    assert found.states == {State.MEASURED: 3, State.REFUSED: 3}
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
    (scanner,) = summarize(programme(FIRST_SHIFTED)).scanners
    months = [month for month, _ in scanner.bmd.alarms]
    assert months
    assert "2025-01" <= months[0] <= "2025-03"
    assert not scanner.soft_tissue.alarms


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("hu", [SHIFT_HU, -SHIFT_HU])
def test_fat_and_muscle_tell_of_a_shift_that_the_bmd_hides(seed: int, hu: float) -> None:
    (scanner,) = summarize(programme(FIRST_SHIFTED, seed=seed, bmd=0.0, hu=hu)).scanners
    assert scanner.soft_tissue.alarms[0][0] == "2025-01"
    assert "2025-01" not in [month for month, _ in scanner.bmd.alarms]
    page = summary_html(summarize(programme(FIRST_SHIFTED, seed=seed, bmd=0.0, hu=hu)), deidentified=False)
    assert f"{scanner.soft_tissue.alarms[0][0]}: a jump, {'+' if hu > 0 else '-'}" in page


def test_scans_of_which_no_tissue_was_kept_are_passed_over() -> None:
    rows = programme()
    for _, result in rows[::2]:
        result.facts = {**result.facts, "soft_tissue_hu": None}
    for _, result in rows[::3]:
        del result.facts["soft_tissue_hu"]  # as stores of before have it
    (scanner,) = summarize(rows).scanners
    assert scanner.examinations == len(rows)
    assert 0 < len(scanner.soft_tissue.months) <= MONTHS
    assert all(-60.0 < mean < -20.0 for mean in scanner.soft_tissue.means)
    (without,) = summarize([ended(n, 100.0 + n) for n in range(30)]).scanners
    assert (without.soft_tissue.months, without.soft_tissue.alarms) == ((), ())


@pytest.mark.parametrize("seed", range(5))
def test_a_steady_scanner_raises_hardly_any(seed: int) -> None:
    (scanner,) = summarize(programme(seed=seed)).scanners
    assert len(scanner.bmd.months) == len(scanner.soft_tissue.months) == MONTHS
    assert len(scanner.bmd.alarms) <= 2
    assert len(scanner.soft_tissue.alarms) <= 1


def test_two_scanners_are_followed_apart() -> None:
    rows = programme()
    for _, result in rows[::2]:
        result.facts = {**result.facts, "device_serial": "8"}
    assert [row.name for row in summarize(rows).scanners] == ["ACME One 7 120 kVp", "ACME One 8 120 kVp"]


def test_a_de_identified_summary_tells_of_nobody() -> None:
    rows = [*programme(), ended(999, 42.42, age=99.0, sex="M", fractures_to_check=["T8"])]
    rows.append(refused("scan.x", "Doe's scan."))
    found = summarize(rows, deidentified=True)
    page = re.sub(r"base64,[^\"]+", "", summary_html(found, deidentified=True))  # pixels spell anything
    assert found.points == ()
    for secret in ("ACME", "Doe", "42.4"):
        assert secret not in page
    assert "to be checked in under 5" in page
    assert page.count('<td class="right">under 5</td>') == 2  # refused, and why
    assert ">361<" in page
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
    assert '<td class="right">under 5</td>' in page
    assert all(row.mean_mg_cm3 is not None for row in summarize(rows).scanners)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_what_was_found(language: str) -> None:
    rows = [*programme(FIRST_SHIFTED), refused("scan.x", "<script>")]
    with speaking(language):
        page = summary_html(summarize(rows), deidentified=False)
    assert page.count("data:image/png;base64,") == 3
    assert "<script>" not in page
    assert "2025-0" in page


def test_an_empty_store_has_a_page_too() -> None:
    found = summarize([])
    assert found == replace(found, points=(), scanners=(), rate_per_hour=None)
    assert isinstance(found, Summary)
    assert "<h1>" in summary_html(found, deidentified=False)
