"""The page for people: what it says, that it is the same each time, and that no patient text can harm it."""

import base64
import io
import json
import re
from dataclasses import replace
from html import unescape

import pypdf
import pytest
from PIL import Image

from helpers_record import READER, TIME, examined, with_scan
from helpers_report import HOSTILE, SCRIPT, case, printed, with_patient
from ldct_bmd.assessment import format_bmd
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.column import confirm_names
from ldct_bmd.corrections import change_calibration, exclude_level
from ldct_bmd.examination import Examination, conclude, sign
from ldct_bmd.findings import Finding, FindingCode
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.morphometry import Outline
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.page.html import to_html
from ldct_bmd.reporting.page.pdf import to_pdf
from ldct_bmd.reporting.page.report import Report
from ldct_bmd.reporting.pictures import draw_pictures
from ldct_bmd.verdicts import confirm_fracture
from ldct_bmd.words import catalogue
from places import MODULE

PAGE = MODULE / "ldct_bmd" / "reporting" / "page"


@pytest.fixture(scope="module")
def record() -> Examination:
    return examined()


def text_of(report: Report) -> str:
    return unescape(printed(to_html(report)))


def pdf_text(report: Report) -> str:
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(report))).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_an_unreviewed_measurement_says_so_in_the_largest_letters(record: Examination) -> None:
    html = to_html(compose(record))
    assert "AUTOMATIC, NOT REVIEWED" in printed(html)
    sizes = [float(size) for size in re.findall(r"font-size: (\d+)px", html)]
    assert float(re.search(r"\.state b \{[^}]*font-size: (\d+)px", html)[1]) == max(sizes)


@pytest.mark.parametrize("view", [text_of, pdf_text])
def test_both_views_show_values_statement_findings_calibration_and_limits(record: Examination, view) -> None:
    shown = view(compose(record))
    for measurement in record.measurements:
        assert format_bmd(measurement.bmd_mg_cm3) in shown
        assert f"{measurement.mean_hu:.1f}" in shown
    assert record.assessment.statement in shown
    for finding in record.findings:
        assert finding.message in shown
    assert "BMD = 0.8 x HU + 0 mg/cm³" in shown
    assert "not T-scores" in shown
    assert "For research use" in shown
    assert "Doe, Jane" in shown
    assert record.software.model_sha256 in shown


@pytest.mark.parametrize("view", [text_of, pdf_text])
def test_a_confirmed_fracture_leads_the_result_whatever_the_bmd(record: Examination, view) -> None:
    shown = view(compose(confirm_fracture(record, "L3", READER, TIME)))
    result = shown[shown.index(catalogue()("section.result")) :]
    assert result.split(" ", 1)[1].startswith("Vertebral fracture of L3, confirmed by the reader")
    assert "Vertebral fracture" not in view(compose(record))


@pytest.mark.parametrize("view", [text_of, pdf_text])
def test_a_suspicion_stands_beside_the_result_and_does_not_lead_it(record: Examination, view) -> None:
    finding = Finding(FindingCode.SUSPECTED_FRACTURE, "L3", {"case": "anterior", "loss": 0.27, "uncertainty": 0.05})
    shown = view(compose(replace(record, findings=(finding, *record.findings))))
    result = shown[shown.index(catalogue()("section.result")) :]
    assert "Check for a fracture: L3." in result
    assert result.index("Check for a fracture: L3.") > result.index("BMD")


@pytest.mark.parametrize("view", [text_of, pdf_text])
def test_a_level_that_is_not_used_says_why(record: Examination, view) -> None:
    doubtful = tuple(
        replace(one, outline=Outline(0.1, 0.2)) if one.level == "L1" else one for one in record.quality.outlines
    )
    shown = view(compose(conclude(replace(record, quality=replace(record.quality, outlines=doubtful)))))
    assert "L1 is measured and not used: it has a doubtful outline." in shown
    assert "not used: has a doubtful outline" in shown


@pytest.mark.parametrize("view", [text_of, pdf_text])
@pytest.mark.parametrize(("years", "told"), [(49.0, True), (50.0, False)])
def test_under_fifty_the_limits_of_the_thresholds_stand_beside_the_result(
    record: Examination, view, years: float, told: bool
) -> None:
    shown = view(compose(with_patient(record, age_years=years)))
    result = shown[shown.index(catalogue()("section.result")) : shown.index(catalogue()("section.levels"))]
    assert ("postmenopausal women" in result) == told


@pytest.mark.parametrize("view", [text_of, pdf_text])
def test_the_readers_comment_is_shown_and_steers_nothing(record: Examination, view) -> None:
    shown = view(compose(replace(record, comment=f"Old fracture of T8. {SCRIPT}")))
    assert "Reader's comment Old fracture of T8." in shown
    assert SCRIPT not in to_html(compose(replace(record, comment=SCRIPT)))
    assert "Reader's comment" not in view(compose(record))


def test_a_signed_record_names_reader_organisation_and_time(record: Examination) -> None:
    signed = sign(record, READER, TIME, "General Hospital")
    shown = text_of(compose(signed))
    assert f"REVIEWED AND SIGNED Signed by {READER}, General Hospital, on 2024-05-06 07:08 UTC." in shown
    assert "NOT REVIEWED" not in shown


def test_a_corrected_record_is_not_taken_for_a_signed_one(record: Examination) -> None:
    shown = text_of(compose(confirm_names(record, READER, TIME)))
    assert "CORRECTED, NOT SIGNED" in shown
    assert "REVIEWED AND SIGNED" not in shown


def test_no_report_is_made_of_a_record_changed_after_signing(record: Examination) -> None:
    signed = sign(record, READER, TIME)
    changed = replace(signed, assessment=replace(signed.assessment, category="normal"))
    with pytest.raises(UsageError, match="changed after"):
        compose(changed)


def test_an_excluded_level_is_told_with_reason_reader_and_time(record: Examination) -> None:
    shown = text_of(compose(exclude_level(record, "L2", "fracture", READER, TIME)))
    assert f"L2 excluded: fracture ({READER}, 2024-05-06 07:08 UTC)." in shown
    assert "Used for the mean: L1." in shown


def test_automatic_values_stand_beside_corrected_ones(record: Examination) -> None:
    corrected = change_calibration(record, NOMINAL, READER, TIME)
    row = next(row for row in compose(corrected).levels.rows if row[0] == "L1")
    assert format_bmd(corrected.measurement("L1").bmd_mg_cm3) in row
    assert format_bmd(record.measurement("L1").bmd_mg_cm3) in row
    assert len(compose(record).levels.columns) < len(compose(corrected).levels.columns)


def test_the_history_of_corrections_is_listed(record: Examination) -> None:
    corrected = exclude_level(confirm_names(record, READER, TIME), "L2", "cyst", "Dr. Second", TIME)
    rows = compose(corrected).history.rows
    assert [row[1:5] for row in rows] == [
        (READER, "names confirmed", "", ""),
        ("Dr. Second", "level excluded", "L2", "cyst"),
    ]
    assert record.assessment.statement in " ".join(compose(corrected).history.notes)


@pytest.mark.parametrize(("years", "told"), [(49.9, True), (50.0, False), (None, False)])
def test_the_limits_of_the_thresholds_are_told_under_fifty(record, years, told) -> None:
    report = compose(with_patient(record, age_years=years))
    shown = " ".join((*report.warnings, *report.method))
    assert ("do not read the category as in an older adult" in shown) is told
    assert ("does not state the patient's age" in shown) is (years is None)


def test_without_a_category_there_is_no_bar(record: Examination) -> None:
    report = compose(conclude(replace(record, quality=replace(record.quality, names_certain=False))))
    assert report.bar is None
    assert report.category == "No category"
    assert all(row[0].endswith("?") for row in report.levels.rows)


def test_where_nothing_was_measured_no_note_explains_the_values(record: Examination) -> None:
    said = catalogue()("levels.note.interval")
    assert said in compose(record).levels.notes
    nothing = replace(record, measurements=(), quality=replace(record.quality, vois=()))
    assert said not in compose(conclude(nothing)).levels.notes


def test_the_bar_marks_the_mean_and_a_value_off_the_scale_stays_on_it(record: Examination) -> None:
    bar = compose(record).bar
    assert bar.value == record.assessment.mean_bmd_mg_cm3 == bar.marker
    assert bar.ticks == (80.0, 120.0)
    high = replace(record, assessment=replace(record.assessment, mean_bmd_mg_cm3=250.0, category="normal"))
    assert compose(high).bar.marker == bar.high
    assert "250.0" in text_of(compose(high))


def test_the_bar_gets_lighter_towards_normal_so_that_grey_prints_keep_the_order(record: Examination) -> None:
    colors = [part.color for part in compose(record).bar.parts]
    red_green_blue = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors]
    grey = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in red_green_blue]
    assert grey[0] + 40 < grey[1]
    assert grey[1] + 40 < grey[2]


def test_pictures_are_in_the_page_itself(record: Examination) -> None:
    made = case()
    pictures = draw_pictures(made.scan, made.column, made.examination)
    assert [picture.name for picture in pictures[:2]] == ["coronal", "sagittal"]
    measured = [m.level for m in made.examination.measurements]
    assert {picture.name for picture in pictures[2:]} == {
        f"{m}-{view}" for m in measured for view in ("axial", "sagittal")
    }
    html = to_html(compose(made.examination, pictures))
    encoded = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert [base64.b64decode(one) for one in encoded] == [picture.png for picture in pictures]
    for picture in pictures:
        assert Image.open(io.BytesIO(picture.png)).size == (picture.width_px, picture.height_px)


def test_the_same_record_gives_the_same_bytes() -> None:
    made = case()
    views = []
    for _ in range(2):
        report = compose(made.examination, draw_pictures(made.scan, made.column, made.examination))
        views.append((to_html(report), to_pdf(report)))
    assert views[0] == views[1]


def test_the_page_loads_nothing_and_runs_nothing(record: Examination) -> None:
    html = to_html(compose(record))
    assert "default-src 'none'" in html
    assert not re.search(r"<script|<link|<iframe|<object|javascript:|\son\w+=|url\(|@import", html, re.IGNORECASE)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_is_shown_and_does_nothing(record: Examination, kind: str) -> None:
    text = HOSTILE[kind]
    hostile = with_patient(record, name=text, patient_id=text or None)
    hostile = with_scan(hostile, series_description=text, accession_number=text, kernel=text)
    hostile = exclude_level(hostile, "L2", "other", f"{text}r", TIME, words=f"{text}x")
    report = compose(hostile)
    html = to_html(report)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", html)
    pages = pypdf.PdfReader(io.BytesIO(to_pdf(report))).pages
    assert len(pages) <= 4
    if kind in ("html", "formula", "path", "chinese"):
        assert text in unescape(printed(html.replace(SCRIPT, "")))
        shown = re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))
        assert re.sub(r"\s+", "", text) in shown


def test_a_text_too_long_for_a_page_is_cut_with_a_mark(record: Examination) -> None:
    report = compose(with_patient(record, patient_id="x" * 100_000))
    assert any(fact.value.endswith("…") and len(fact.value) < 500 for fact in report.patient)
    assert len(pypdf.PdfReader(io.BytesIO(to_pdf(report))).pages) <= 4


def test_every_string_of_the_report_comes_from_the_catalogue_and_is_used() -> None:
    folder = PAGE.parent
    told_by = ("page/*.py", "page/*.j2", "dicom/*.py", "fhir.py", "pictures.py", "overview.py")
    sources = "\n".join(path.read_text() for pattern in told_by for path in folder.glob(pattern))
    known = set(json.loads((folder.parent / "words" / "en" / "report.json").read_text(encoding="utf-8")))
    used = {key for key in known if f'"{key}"' in sources or f"'{key}'" in sources}
    # Made of a word of the record: say(f"category.{...}").
    families = {match.rstrip(".") for match in re.findall(r'f"([a-z_.]+\.)\{', sources)}
    used |= {key for key in known if key.rpartition(".")[0] in families}
    assert known - used == set()
    asked = set(re.findall(r"""say\(\s*["']([a-z_.]+)["']""", sources))
    assert all(key in catalogue() for key in asked)
