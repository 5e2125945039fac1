"""The report in Chinese: complete, the same numbers, and no English but codes."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pydicom
import pypdf
import pytest

from helpers_cli import run
from helpers_record import READER, TIME, examined
from helpers_report import case, with_patient
from ldct_bmd.calibration import NOMINAL, entered_calibration
from ldct_bmd.calibration.described import name_words, source_words
from ldct_bmd.column import confirm_names
from ldct_bmd.corrections import change_calibration
from ldct_bmd.examination import Examination
from ldct_bmd.reporting.dicom.objects import make_context
from ldct_bmd.reporting.outputs import Output, fill_report
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.page.html import to_html
from ldct_bmd.reporting.page.pdf import to_pdf
from ldct_bmd.rules import ACR
from ldct_bmd.words import catalogue, speaking

ONLY_IF_GIVEN = ("section.comment", "section.priors", "section.same_place", "section.reference")
ENGLISH_WORDS = re.compile(r"[A-Za-z]{3,},? [a-z]{2,} [a-z]{2,}")


@pytest.fixture(scope="module")
def record() -> Examination:
    """A corrected record with the calibration that ships."""
    young = with_patient(examined(), sex="F", age_years=45.0)
    return change_calibration(confirm_names(young, READER, TIME), NOMINAL, READER, TIME)


def pdf_text(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_the_chinese_pdf_has_statement_findings_and_headings_in_chinese_and_no_english_sentence(
    record: Examination,
) -> None:
    text = pdf_text(to_pdf(compose(record, language="zh")))
    say = catalogue("zh")
    for key in say:
        if key.startswith("section.") and key not in ONLY_IF_GIVEN:
            assert squeezed(say(key)) in squeezed(text), key
    with speaking("zh"):
        assert squeezed(record.assessment.statement) in squeezed(text)
        assert all(squeezed(finding.message) in squeezed(text) for finding in record.findings)
    assert "骨" in record_statement(record)
    assert not ENGLISH_WORDS.search(text), ENGLISH_WORDS.findall(text)


def record_statement(record: Examination) -> str:
    with speaking("zh"):
        return record.assessment.statement


def test_the_chinese_page_says_its_language_and_holds_no_english_sentence(record: Examination) -> None:
    html = to_html(compose(record, language="zh"))
    assert '<html lang="zh-CN">' in html
    body = re.sub(r"<[^>]*>", "\n", html[html.index("<body>") :])
    body = body.replace(ACR.source, "")  # a publication is cited as it is called
    assert not ENGLISH_WORDS.search(body), ENGLISH_WORDS.findall(body)


def test_numbers_dates_and_signs_are_the_same_in_both(record: Examination) -> None:
    numbers = {}
    for language in ("en", "zh"):
        report = compose(record, language=language)
        numbers[language] = [re.sub(r"[^\d.±−+–*]", "", cell) for row in report.levels.rows for cell in row]
        numbers[language] += [row[0] for row in report.history.rows]
        numbers[language] += re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", report.state.detail)
    assert numbers["en"] == numbers["zh"]


def test_the_nominal_calibration_is_named_in_the_language_that_is_spoken() -> None:
    assert (name_words(NOMINAL), source_words(NOMINAL)) == (NOMINAL.name, NOMINAL.source)
    with speaking("zh"):
        assert "标称" in name_words(NOMINAL)
        assert "名" not in NOMINAL.name  # what identifies it stays
        site = replace(NOMINAL, name="Site", provenance=None)
        assert name_words(site) == "Site"


def test_the_structured_report_says_in_which_language_its_text_is(tmp_path: Path) -> None:
    made = case()
    with speaking("zh"):
        fill_report(tmp_path, made.examination, made.pixels, wanted={Output.SR})
    report = pydicom.dcmread(tmp_path / "dicom" / "sr.dcm")
    assert report.SpecificCharacterSet == "ISO_IR 192"
    codes = {item.ConceptNameCodeSequence[0].CodeValue: item for item in report.ContentSequence}
    assert codes["121049"].ConceptCodeSequence[0].CodeValue == "zh-CN"
    texts = {element.value for element in report.iterall() if element.keyword == "TextValue"}
    assert record_statement(made.examination) in texts


def test_objects_in_another_language_are_other_objects() -> None:
    made = case()
    uids = []
    for language in ("en", "zh"):
        with speaking(language):
            context = make_context(made.examination, made.pixels.source)
            uids.append({context.series(kind)[3] for kind in ("seg", "vois", "sr", "report", "overview")})
    assert not uids[0] & uids[1]


@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_report_command_speaks_the_language_asked_for(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "measurement.json").write_text(examined().to_json(), encoding="utf-8")
    options = ["--language", "zh"] if how == "option" else []
    if how == "environment":
        monkeypatch.setenv("LDCT_BMD_LANGUAGE", "zh_CN.UTF-8")
    done = run("report", str(tmp_path), *options)
    assert done.exit_code == 0, done.output
    assert "已写入" in done.output
    assert 'lang="zh-CN"' in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "测量结果" in squeezed(pdf_text((tmp_path / "report.pdf").read_bytes()))
    assert "level,names_certain" in (tmp_path / "report.csv").read_text(encoding="utf-8")  # columns are codes
    assert json.loads((tmp_path / "measurement.json").read_text(encoding="utf-8"))["findings"]


def test_a_language_without_texts_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = run("report", str(tmp_path), "--language", "xx")
    assert done.exit_code == 2
    assert "There are no texts in xx; choose en or zh." in done.output


def test_a_finding_names_an_entered_calibration_in_the_language_that_is_spoken(record: Examination) -> None:
    entered = change_calibration(record, entered_calibration(0.8, -2.0, "K2HPO4", 120.0), READER, TIME)
    again = Examination.from_json(entered.to_json())
    messages = {}
    for language in ("en", "zh"):
        with speaking(language):
            messages[language] = " ".join(finding.message for finding in again.findings)
    assert "The calibration Entered does not say" in messages["en"]
    assert "手动输入" in messages["zh"]
    assert "Entered" not in messages["zh"]
