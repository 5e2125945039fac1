"""A population's BMD by age and sex from a file: who is compared with it, how, and who is not."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from helpers_record import READER, TIME, examined, with_scan
from helpers_report import case, printed, with_patient
from helpers_spine import ReadySegmenter, spine_bodies
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.calibration.drift import control_chart
from ldct_bmd.cli import app
from ldct_bmd.corrections import change_calibration, exclude_level
from ldct_bmd.examination import Examination
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.progress import silent
from ldct_bmd.jobs.measuring import measure_as
from ldct_bmd.jobs.spec import InputScan, MeasureSpec, ResultFolder
from ldct_bmd.reference import AgeGroup, ReferenceCurve, Standing, Unfit, load_reference, standing
from ldct_bmd.reporting.chinese import drawable
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.page.html import to_html
from ldct_bmd.reporting.page.pdf import to_pdf
from ldct_bmd.reporting.page.standing import stands
from ldct_bmd.reporting.priors import compare
from ldct_bmd.screening.outcome import facts_of
from ldct_bmd.screening.states import State
from ldct_bmd.screening.summary import Monthly, Point, ScannerRow, Summary, summarize
from ldct_bmd.screening.summary_page import summary_html
from ldct_bmd.screening.tables import Result, Study
from ldct_bmd.words import Phrase
from places import ROOT

WOMEN = (AgeGroup(50, 60, 120.0, 30.0), AgeGroup(60, 70, 100.0, 20.0), AgeGroup(80, 90, 60.0, 20.0))
CURVE = ReferenceCurve("Town", "women of a town", "K2HPO4", ("L1", "L2"), "rods at 120 kVp", "made up", women=WOMEN)


@pytest.fixture(scope="module")
def woman() -> Examination:
    """63 years old."""
    return examined()


def written(tmp_path: Path, **changed: object) -> Path:
    file = tmp_path / "population.json"
    groups = [{"from_years": 50, "to_years": 70, "mean_mg_cm3": 100.0, "sd_mg_cm3": 25.0}]
    values = {"schema": "ldct-bmd-reference/1", "title": "Town", "population": "women of a town", "material": "K2HPO4"}
    values |= {"levels": ["L1", "L2"], "calibration": "rods", "source": "made up", "women": groups, **changed}
    file.write_text(json.dumps(values))
    return file


def test_at_the_middle_of_a_group_its_own_figures_count_and_between_two_a_straight_line() -> None:
    assert CURVE.expected("F", 55.0) == (120.0, 30.0)
    assert CURVE.expected("F", 65.0) == (100.0, 20.0)
    assert CURVE.expected("F", 60.0) == pytest.approx((110.0, 25.0))
    assert CURVE.expected("F", 51.0) == (120.0, 30.0)


@pytest.mark.parametrize("age", [49.99, 70.0, 75.0, 90.0])
def test_outside_of_the_groups_nothing_is_expected(age: float) -> None:
    assert CURVE.expected("F", age) is None
    assert standing(CURVE, 100.0, ("L1", "L2"), "K2HPO4", "F", age) is Unfit.AGE


def test_z_score_and_percentile_are_those_of_the_normal_distribution() -> None:
    found = standing(CURVE, 60.0, ("L1", "L2"), "K2HPO4", "F", 65.0)
    assert isinstance(found, Standing)
    assert found.z_score == pytest.approx(-2.0)
    assert found.percentile == pytest.approx(2.275, abs=0.001)
    assert standing(CURVE, 100.0, ("L1", "L2"), "K2HPO4", "F", 65.0).percentile == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"bmd_mg_cm3": None}, Unfit.NO_MEAN),
        ({"material": "hydroxyapatite"}, Unfit.MATERIAL),
        ({"levels": ("L1",)}, Unfit.LEVELS),
        ({"sex": "M"}, Unfit.SEX),
        ({"sex": None}, Unfit.SEX),
        ({"sex": "O"}, Unfit.SEX),
        ({"age_years": None}, Unfit.AGE),
    ],
)
def test_what_does_not_fit_gets_no_z_score(given: dict[str, object], why: Unfit) -> None:
    fits = {"bmd_mg_cm3": 100.0, "levels": ("L1", "L2"), "material": "K2HPO4", "sex": "F", "age_years": 60.0}
    assert standing(CURVE, **{**fits, **given}) is why  # type: ignore[arg-type]


def test_what_forbids_the_category_forbids_the_comparison(woman: Examination) -> None:
    assert isinstance(stands(woman, CURVE), Standing)
    forbidden = replace(woman, assessment=replace(woman.assessment, category=None))
    assert stands(forbidden, CURVE) is Unfit.NO_CATEGORY
    assert stands(exclude_level(woman, "L2", "fracture", READER, TIME), CURVE) is Unfit.LEVELS


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_names_score_population_and_source(woman: Examination, language: str) -> None:
    report = compose(woman, language=language, reference=CURVE)
    assert report.reference is not None
    assert report.reference.picture is not None
    mean = woman.assessment.mean_bmd_mg_cm3
    expected, sd = CURVE.expected("F", 63.0)
    z = f"{abs(mean - expected) / sd:.1f}"
    assert z in report.reference.line
    shown = printed(to_html(report))
    assert "women of a town" in shown
    assert "made up" in shown
    assert to_pdf(report).startswith(b"%PDF")


def test_without_a_reference_the_report_says_nothing_of_it(woman: Examination) -> None:
    assert compose(woman).reference is None


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("why", Unfit)
def test_every_reason_is_said(woman: Examination, why: Unfit, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ldct_bmd.reporting.page.reference_view.stands", lambda *_: why)
    view = compose(woman, language=language, reference=CURVE).reference
    assert view.picture is None
    assert "{" not in view.line
    assert not re.search(r"\d\.\d", view.line)


def test_a_limited_category_limits_the_comparison(woman: Examination) -> None:
    nominal = change_calibration(woman, NOMINAL, READER, TIME)
    notes = compose(nominal, reference=CURVE).reference.notes
    assert any("limits this comparison too" in note for note in notes)


def younger(examination: Examination, years: float) -> Examination:
    age = examination.scan.patient.age_years
    assert age is not None
    return with_patient(examination, age_years=age - years)


def test_earlier_examinations_stand_on_the_curve(woman: Examination) -> None:
    now = with_scan(woman, acquisition_date="20240501", sop_instance_uids=("1.8",))
    then = with_scan(younger(woman, 4.0), acquisition_date="20200501", sop_instance_uids=("1.9",))
    alone = compose(now, reference=CURVE).reference.picture.png
    both = compose(now, comparisons=[compare(now, then)], reference=CURVE).reference.picture.png
    assert alone != both


def test_an_earlier_examination_without_a_category_does_not_stand_on_the_curve(woman: Examination) -> None:
    now = with_scan(woman, acquisition_date="20240501", sop_instance_uids=("1.8",))
    then = with_scan(younger(woman, 4.0), acquisition_date="20200501", sop_instance_uids=("1.9",))
    forbidden = replace(then, assessment=replace(then.assessment, category=None))
    comparison = compare(now, forbidden)
    assert comparison.changes[0].is_mean
    alone = compose(now, reference=CURVE).reference.picture.png
    assert compose(now, comparisons=[comparison], reference=CURVE).reference.picture.png == alone


def test_the_example_of_the_documentation_is_a_file_that_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "howto" / "reference-curves.md").read_text(encoding="utf-8")
    (tmp_path / "example.json").write_text(re.search(r"```json\n(.*?)```", page, re.DOTALL).group(1))
    curve = load_reference(tmp_path / "example.json")
    assert curve.expected("M", 55.0) == (122.0, 29.0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema": "ldct-bmd-rules/1"}, "schema must be"),
        ({"material": "calcium"}, "calcium"),
        ({"levels": ["L9"]}, "does not exist"),
        ({"women": []}, "neither women nor men"),
        ({"calibration": " "}, "must be told"),
        ({"women": [{"from_years": 60, "to_years": 50, "mean_mg_cm3": 100, "sd_mg_cm3": 20}]}, "must rise"),
        ({"women": [{"from_years": 50, "to_years": 60, "mean_mg_cm3": 20, "sd_mg_cm3": 100}]}, "standard deviation"),
        (
            {
                "women": [
                    {"from_years": 50, "to_years": 60, "mean_mg_cm3": 100, "sd_mg_cm3": 20},
                    {"from_years": 55, "to_years": 65, "mean_mg_cm3": 100, "sd_mg_cm3": 20},
                ]
            },
            "overlap",
        ),
        (
            {"women": [{"from_years": 50, "to_years": 60, "mean_mg_cm3": 100, "sd_mg_cm3": 20, "people": -3}]},
            "at least one person",
        ),
        ({"women": [{"from_years": 50}]}, "women"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_reference(written(tmp_path, **changed))


def test_from_the_command_line(woman: Examination, tmp_path: Path) -> None:
    (tmp_path / "measurement.json").write_text(woman.to_json())
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--reference", str(written(tmp_path))])
    assert done.exit_code == 0, done.output
    assert "Z-score" in printed((tmp_path / "report.html").read_text(encoding="utf-8"))
    options = ["--reference", str(written(tmp_path)), "--deidentify"]
    refused = CliRunner().invoke(app, ["report", str(tmp_path), *options])
    assert refused.exit_code == 2
    assert "name your site" in refused.stderr


def test_a_young_patient_has_no_population_though_she_has_a_bmd(woman: Examination) -> None:
    young = with_patient(woman, age_years=32.0)
    assert compose(young, reference=CURVE).reference.line.startswith("No Z-score")


def test_dollars_in_a_name_are_drawn_as_they_stand(woman: Examination) -> None:
    priced = replace(CURVE, title=r"$50 \cohort$ of 2024")
    assert compose(woman, reference=priced).reference.picture is not None
    bmd, tissue = (
        Monthly(months, means, control_chart(Phrase("summary.chart"), "SE", [0.0] * len(means), 1.0, runs=True))
        for months, means in ((("2024-01",), (110.0,)), ((), ()))
    )
    scanner = ScannerRow("$1 \\one$", 5, 110.0, bmd, tissue)
    told = Summary(
        {},
        (),
        (),
        (scanner,),
        (Point(60.0, "F", 110.0, "CT", None, ("L1", "L2"), "K2HPO4", True),),
        (1, 1),
        (0, 0),
        None,
        None,
        ("K2HPO4",),
    )
    assert summary_html(told, False, priced).count("data:image/png") == 2
    axes = Figure().add_subplot()
    assert [axes.text(0, 0, drawable(name))._preprocess_math(drawable(name)) for name in ("a$b$c", "5 $")] == [
        ("a$b$c", False),
        ("5 $", False),
    ]


def test_a_programmes_summary_draws_the_curves_but_not_through_other_equivalents() -> None:
    point = Point(60.0, "F", 110.0, "CT", None, ("L1", "L2"), "K2HPO4", True)
    told = Summary({}, (), (), (), (point,), (1, 1), (0, 0), None, None, ("K2HPO4",))
    assert summary_html(told, False, CURVE) != summary_html(told, False)
    with pytest.raises(UsageError, match="no curve can be drawn"):
        summary_html(replace(told, materials=("hydroxyapatite", "K2HPO4")), False, CURVE)


@pytest.mark.parametrize("differing", [{"levels_used": "L1"}, {"category": None}, {"bmd_material": None}])
def test_a_programmes_summary_compares_only_what_a_report_does(
    woman: Examination, differing: dict[str, str | None]
) -> None:
    def ended(**changed: str | None) -> tuple[Study, Result]:
        facts = facts_of(woman)
        row = {**facts["row"], **{name: value for name, value in changed.items() if name in facts["row"]}}
        state, all_facts = State.MEASURED.value, {**facts, **changed, "row": row}
        result = Result(state=state, folder="f", facts=all_facts, cpu_s=1.0, ended="2026-01-01T00:00:00Z")
        return Study(id="1", state=state), result

    told = summarize([ended(), ended(**differing)])
    page = summary_html(told, False, CURVE)
    assert "the 1 of 2 examinations that may be compared" in page
    assert "may be compared" not in summary_html(told, False)
    assert "may be compared" not in summary_html(summarize([ended(), ended()]), False, CURVE)


def test_a_measurement_compares_at_once(tmp_path: Path) -> None:
    spec = MeasureSpec(
        InputScan(str(case().folder)),
        result=ResultFolder(str(tmp_path / "out"), report=True, reference=str(written(tmp_path))),
    )
    measure_as(spec, silent, segmenter=ReadySegmenter(spine_bodies()))
    assert "women of a town" in printed((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))


def test_a_population_without_a_report_is_refused(tmp_path: Path) -> None:
    options = ["-o", str(tmp_path / "out"), "--reference", str(written(tmp_path))]
    refused = CliRunner().invoke(app, ["measure", str(tmp_path), *options])
    assert refused.exit_code == 2
    assert "add --report" in refused.stderr
