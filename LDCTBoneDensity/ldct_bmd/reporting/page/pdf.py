"""The report as PDF: the same content as the HTML, on A4, the same bytes for the same report."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reportlab import rl_config
from reportlab.lib.colors import HexColor, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, Image, KeepTogether, PageTemplate, Paragraph, Spacer
from reportlab.platypus import Table as Grid

from ...words import Catalogue, catalogue
from ..chinese import columns_of, has_chinese
from . import fonts
from .pdf_bar import bar_drawing
from .pdf_styles import (
    BODY,
    CELL,
    CELL_RIGHT,
    HEADING,
    INTEREST,
    LINE,
    MEAN,
    MUTED,
    SMALL,
    SMALL_RIGHT,
    STATE,
    STATEMENT,
    TITLE,
    TOP,
)
from .report import Fact, Picture, ReferenceView, Report, Table

MARGIN = 14 * mm
WIDTH = A4[0] - 2 * MARGIN
_TOP, _BOTTOM = 12 * mm, 18 * mm
_GAP = 8 * mm
_SPINE_HEIGHT = 88 * mm
_PER_ROW = 4  # pictures of VOIs
_LONGEST_CELL = 34  # letters beyond which a cell is folded
rl_config.useA85 = 0  # streams as bytes: letters in their place would take a quarter more room, and time
_OWN_WORDS = ("section.", "footer.", "findings.none", "picture.none", "bar.unit")  # together with what the report holds


def to_pdf(report: Report) -> bytes:
    """Return the report as PDF."""
    fonts.register()
    say = catalogue(report.language)
    stream = io.BytesIO()
    frame = Frame(
        MARGIN, _BOTTOM, WIDTH, A4[1] - _BOTTOM - _TOP, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0
    )
    document = BaseDocTemplate(
        stream,
        pagesize=A4,
        pageTemplates=[PageTemplate(frames=[frame])],
        title=report.title,
        author="ldct-bmd",
        subject=report.research_use,
        lang=say("report.language"),
        invariant=1,
    )
    with fonts.chinese(_letters(report, say)):
        document.build(_story(report, say), canvasmaker=_canvas_of(report, say))
    return stream.getvalue()


def _letters(report: Report, say: Catalogue) -> str:
    """Return a text with all letters that the PDF holds."""
    own = [say.template(key) for key in say if key.startswith(_OWN_WORDS)]
    captions = [picture.caption for picture in report.pictures]
    return "".join((*own, *captions, repr(replace(report, pictures=(), reference=None)), *_reference_words(report)))


def _reference_words(report: Report) -> tuple[str, ...]:
    view = report.reference
    return () if view is None else (view.line, *view.notes, "" if view.picture is None else view.picture.caption)


def _story(report: Report, say: Catalogue) -> list[Flowable]:
    story: list[Flowable] = [
        _side_by_side(_paragraph(report.title, TITLE), _paragraph(report.research_use, TOP), 0.67),
        Spacer(0, 2 * mm),
        _state(report),
        _side_by_side(
            [_heading(say("section.patient")), _facts(report.patient, _half())],
            [_heading(say("section.scan")), _facts(report.scan, _half())],
        ),
        _heading(say("section.result")),
        _result(report, say),
        *([_heading(say("section.comment")), _paragraph(report.comment, BODY)] if report.comment else []),
        _heading(say("section.levels")),
        *_table(report.levels),
    ]
    if report.uncertainty is not None:
        story += [_heading(say("section.uncertainty")), *_table(report.uncertainty)]
    if report.priors is not None:
        story += [_heading(say("section.priors")), *_table(report.priors)]
    if report.same_place is not None:
        story += [_heading(say("section.same_place")), *_table(report.same_place)]
    if report.reference is not None:
        story += _reference(report.reference, say)
    story += [_heading(say("section.findings")), *_findings(report, say)]
    story += _pictures(report, say)
    story += [_heading(say("section.calibration")), _facts(report.calibration, WIDTH)]
    story += [_heading(say("section.method")), *(_paragraph(f"• {line}", BODY) for line in report.method)]
    story += [_heading(say("section.history")), *_table(report.history)]
    story += [_heading(say("section.software")), _facts(report.software, WIDTH)]
    return story


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(fonts.markup(text, bold=style.fontName == fonts.BOLD), _folded(text, style))


def _folded(text: str, style: ParagraphStyle) -> ParagraphStyle:
    """Return the style that folds ``text`` as its script does: Chinese between any two letters, others at spaces."""
    return style.clone(f"{style.name} Chinese", wordWrap="CJK") if has_chinese(text) else style


def _heading(text: str) -> Paragraph:
    return _paragraph(text, HEADING)


def _half() -> float:
    return (WIDTH - _GAP) / 2


def _side_by_side(left: Any, right: Any, share: float = 0.5) -> Grid:
    first = share * (WIDTH - _GAP)
    return Grid(
        [[left, "", right]],
        colWidths=[first, _GAP, WIDTH - _GAP - first],
        style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding()],
    )


def _no_padding() -> list[tuple[Any, ...]]:
    return [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]


def _state(report: Report) -> Grid:
    lines = [_paragraph(report.state.headline, STATE if report.state.kind != "signed" else INTEREST)]
    lines.append(_paragraph(report.state.detail, BODY))
    if report.copy:
        lines.append(_paragraph(report.copy, INTEREST))
    return Grid([[lines]], colWidths=[WIDTH], style=[("BOX", (0, 0), (-1, -1), 2.0, black)], spaceAfter=6)


def _facts(facts: Sequence[Fact], width: float) -> Grid:
    label = min(36 * mm, 0.4 * width)
    rows = [[_paragraph(fact.label, MUTED), _paragraph(fact.value, CELL)] for fact in facts]
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding(), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
    return Grid(rows, colWidths=[label, width - label], style=style)


def _result(report: Report, say: Catalogue) -> Flowable:
    inside = WIDTH - 8 * mm
    lines: list[Flowable] = [_paragraph(line, INTEREST) for line in (report.alert, report.category) if line]
    if report.mean_line:
        lines.append(_paragraph(report.mean_line, MEAN))
    if report.bar is not None:
        lines.append(bar_drawing(report.bar, inside, say("bar.unit")))
    lines.append(_paragraph(report.statement, STATEMENT))
    lines += [_paragraph(warning, LINE) for warning in report.warnings]
    lines += [_paragraph(line, BODY) for line in report.levels_line]
    padding = [("LEFTPADDING", (0, 0), (-1, -1), 4 * mm), ("RIGHTPADDING", (0, 0), (-1, -1), 4 * mm)]
    # A row for each line, so that a long statement can go over to the next page.
    rows = [[line] for line in lines]
    return Grid(rows, colWidths=[WIDTH], style=[("BOX", (0, 0), (-1, -1), 0.8, black), *padding])


def _table(data: Table) -> list[Flowable]:
    story: list[Flowable] = []
    if data.rows:
        styles = [CELL_RIGHT if column.align == "right" else CELL for column in data.columns]
        head = [
            Paragraph(f"<b>{fonts.markup(column.heading, bold=True)}</b>", _folded(column.heading, style))
            for column, style in zip(data.columns, styles, strict=True)
        ]
        rows: list[list[Paragraph]] = [head]
        for place, row in enumerate(data.rows):
            texts = [fonts.markup(cell) for cell in row]
            if place in data.muted:
                texts = [f"<i>{text}</i>" for text in texts]
            folded = [_folded(cell, style) for cell, style in zip(row, styles, strict=True)]
            rows.append([Paragraph(text, style) for text, style in zip(texts, folded, strict=True)])
        style = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, black),
            ("LINEBELOW", (0, 1), (-1, -1), 0.3, HexColor("#999999")),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 5),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ]
        story.append(Grid(rows, colWidths=_column_widths(data), repeatRows=1, style=style))
    story += [_paragraph(note, SMALL) for note in data.notes]
    return story


def _column_widths(data: Table) -> list[float]:
    """Share the width by the longest text of each column."""
    longest = []
    for place, column in enumerate(data.columns):
        heading = max(columns_of(word) for word in column.heading.split())
        longest.append(min(max(heading, *(columns_of(row[place]) for row in data.rows)), _LONGEST_CELL) + 2)
    total = sum(longest)
    return [WIDTH * one / total for one in longest]


def _findings(report: Report, say: Catalogue) -> list[Flowable]:
    if not report.findings:
        return [_paragraph(say("findings.none"), BODY)]
    rows = []
    for note in report.findings:
        is_bold = note.severity != "info"
        tag = fonts.markup(note.tag, is_bold)
        rows.append([Paragraph(f"<b>{tag}</b>" if is_bold else tag, CELL), _paragraph(note.text, CELL)])
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding(), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5)]
    return [Grid(rows, colWidths=[16 * mm, WIDTH - 16 * mm], style=style)]


def _reference(view: ReferenceView, say: Catalogue) -> list[Flowable]:
    shown = [] if view.picture is None else _picture(view.picture, WIDTH, 62 * mm)
    first = KeepTogether([_heading(say("section.reference")), _paragraph(view.line, BODY), *shown])
    return [first, *(_paragraph(note, SMALL) for note in view.notes)]


def _pictures(report: Report, say: Catalogue) -> list[Flowable]:
    heading = _heading(say("section.pictures"))
    if not report.pictures:
        return [heading, _paragraph(say("picture.none"), BODY)]
    story: list[Flowable] = []
    for group, per_row, highest in (("spine", 2, _SPINE_HEIGHT), ("voi", _PER_ROW, 60 * mm)):
        pictures = [picture for picture in report.pictures if picture.group == group]
        width = (WIDTH - (per_row - 1) * 3 * mm) / per_row
        for start in range(0, len(pictures), per_row):
            cells = [_picture(picture, width, highest) for picture in pictures[start : start + per_row]]
            cells += [[]] * (per_row - len(cells))
            row = Grid(
                [cells],
                colWidths=[width + (3 * mm if place < per_row - 1 else 0) for place in range(per_row)],
                style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding(), ("BOTTOMPADDING", (0, 0), (-1, -1), 4)],
            )
            story.append(row)
    return [KeepTogether([heading, story[0]]), *story[1:]]


def _picture(picture: Picture, width: float, highest: float) -> list[Flowable]:
    scale = min(width / picture.width_px, highest / picture.height_px)
    image = Image(io.BytesIO(picture.png), picture.width_px * scale, picture.height_px * scale, hAlign="LEFT")
    return [image, _paragraph(picture.caption, SMALL)]


def _canvas_of(report: Report, say: Catalogue) -> type[Canvas]:
    """Return a canvas that writes the foot of every page once it knows how many there are."""
    left = " · ".join(
        part
        for part in (
            report.research_use,
            report.copy,
            say("footer.patient", patient=report.patient_id) if report.patient_id else "",
        )
        if part
    )

    class FootedCanvas(Canvas):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                self._foot(number)
                super().showPage()
            super().save()

        def _foot(self, number: int) -> None:
            lines = (
                (f"{left} · {report.state.headline}", say("footer.page", page=number, pages=len(self._pages))),
                (say("footer.record", sha256=report.record_sha256), ""),
            )
            self.setLineWidth(0.4)
            self.line(MARGIN, 15 * mm, A4[0] - MARGIN, 15 * mm)
            for row, (at_left, at_right) in enumerate(lines):
                height = (11.5 - 3.2 * row) * mm
                footer = _paragraph(at_left, SMALL)
                footer.wrapOn(self, WIDTH - 30 * mm, 3 * mm)
                footer.drawOn(self, MARGIN, height - 2)
                page = _paragraph(at_right, SMALL_RIGHT)
                page.wrapOn(self, 30 * mm, 3 * mm)
                page.drawOn(self, A4[0] - MARGIN - 30 * mm, height - 2)

    return FootedCanvas
