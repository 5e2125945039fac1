"""Paragraph styles of the PDF."""

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle

from .fonts import BOLD, REGULAR

BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=8.5, leading=11)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=8, leading=10)
CELL_RIGHT = ParagraphStyle("cell right", parent=CELL, alignment=TA_RIGHT)
MUTED = ParagraphStyle("label", parent=CELL, textColor=HexColor("#444444"))
SMALL = ParagraphStyle("small", parent=BODY, fontSize=7, leading=8.8, textColor=HexColor("#333333"))
SMALL_RIGHT = ParagraphStyle("small right", parent=SMALL, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", parent=BODY, fontName=BOLD, fontSize=12.5, leading=17)
TOP = ParagraphStyle("use", parent=BODY, fontName=BOLD, fontSize=8.5, leading=17, alignment=TA_RIGHT)
HEADING = ParagraphStyle(
    "heading", parent=BODY, fontName=BOLD, fontSize=10, leading=13, spaceBefore=6, spaceAfter=2, keepWithNext=1
)
STATE = ParagraphStyle("state", parent=BODY, fontName=BOLD, fontSize=16, leading=20)
INTEREST = ParagraphStyle("interest", parent=BODY, fontName=BOLD, fontSize=13, leading=17)
MEAN = ParagraphStyle("mean", parent=BODY, fontName=BOLD, fontSize=9.5, leading=12)
STATEMENT = ParagraphStyle("statement", parent=BODY, fontSize=10, leading=13, spaceBefore=2, spaceAfter=2)
LINE = ParagraphStyle("line", parent=BODY, fontName=BOLD)
