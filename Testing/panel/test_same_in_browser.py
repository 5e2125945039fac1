"""Ten cases, read in a browser by clicks and keys and on the panel by its own: the records are equal."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from panel_fixtures import READER, Hands

from helpers_browser import browser, choose, drag, idle, page_of, until  # noqa: F401
from helpers_web import held, make_result, serving, voi_of
from ldct_bmd.examination import Examination, conclude, is_intact
from ldct_bmd.quality import QualityFacts
from ldct_bmd.words import speaking
from ldct_bmd.worklist import ordered, read_worklist, row_of, write_worklist
from ldct_bmd_web.planes import grid_along
from ldct_bmd_web.session import Served


@dataclass(frozen=True)
class Prepared:
    """A case: what is odd about it, and what a reader does with it in a page and on the panel.

    ``panel`` gets the record that the page left, where it has to bring a VOI to the same place.
    """

    page: Callable[[Any], None]
    panel: Callable[[Hands, Examination], None]
    odd: Callable[[QualityFacts], QualityFacts] = lambda quality: quality


def crushed(quality: QualityFacts) -> QualityFacts:
    """L1 is lower in front than its neighbours let expect."""
    heights = tuple(
        replace(one, heights=replace(one.heights, anterior_mm=0.6 * one.heights.anterior_mm))
        if one.level == "L1"
        else one
        for one in quality.heights
    )
    return replace(quality, heights=heights)


def holed(quality: QualityFacts) -> QualityFacts:
    """The outline of L2 has a hole, and the names are uncertain."""
    outlines = tuple(
        replace(one, outline=replace(one.outline, hole_fraction=0.1)) if one.level == "L2" else one
        for one in quality.outlines
    )
    return replace(quality, outlines=outlines, names_certain=False, uncertain_levels=())


def press(page: Any, *whats: str) -> None:
    """Click the buttons of these corrections, one after the other."""
    for what in whats:
        page.locator(f"[data-do={what}]" if "=" not in what else f"[{what}]").click()
        idle(page)


def pick(page: Any, menu: str, value: str) -> None:
    page.select_option(f"#{menu}", value)
    idle(page)


def move(page: Any) -> None:
    choose(page, "L1")
    drag(page, '#axial .voi[data-level="L1"]', 14, 6)
    drag(page, '#sagittal .voi[data-level="L1"]', -6, 9)


def brought(hands: Hands, level: str, left: Examination) -> None:
    """Put the VOI where the page left it, once for each of its corrections, as the panel does with one set in numbers.

    An ROI, which the panel's handles move, has it to a billionth of a millimetre alone.
    """
    hands.table.select(level)
    for entry in left.history[:-1]:  # the last one is the signature
        new = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.new.items()}
        voi = replace(voi_of(hands.examination, level), **new)
        hands.panel.correct(lambda review, voi=voi: review.move_voi(level, voi))


def resize(page: Any) -> None:
    choose(page, "L2")
    drag(page, '#axial .handle[data-size="long"]', -12, 0, nth=1)
    page.locator("#axial svg").focus()
    page.keyboard.press("Alt+ArrowLeft")
    page.keyboard.press("Alt+ArrowUp")
    until(page, "document.querySelector('#lines').textContent.includes('by the reader: 2')")
    idle(page)


def exclude(page: Any) -> None:
    choose(page, "L2")
    pick(page, "exclude", "cyst")
    choose(page, "L3")
    press(page, "add")


def panel_exclude(hands: Hands, _left: Examination) -> None:
    hands.table.select("L2")
    hands.panel.sections.vertebrae.actions.exclude("cyst")
    hands.table.select("L3")
    hands.click("addButton")


def own_words(page: Any) -> None:
    choose(page, "T12")
    page.select_option("#exclude", "other")
    page.keyboard.type("an <i>island</i> of bone")
    page.keyboard.press("Enter")
    idle(page)


def panel_own_words(hands: Hands, _left: Examination) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from slicer_standin import mouse

    hands.table.select("T12")
    hands.panel.sections.vertebrae.actions.exclude("other")
    mouse.type_text(hands.ui.reasonEdit, "an <i>island</i> of bone")
    QTest.keyClick(hands.ui.reasonEdit, Qt.Key.Key_Return)
    hands.wait()


def fractured(hands: Hands, words: str) -> None:
    from slicer_standin import mouse

    hands.table.select("L1")
    mouse.choose_from_menu(hands.ui.fractureButton, words)


def undo(page: Any) -> None:
    choose(page, "L1")
    pick(page, "exclude", "tumour")
    press(page, "include")
    page.keyboard.press("Control+Alt+z")
    idle(page)
    press(page, "undo", "redo")
    page.locator("#comment").fill("Seen with Dr. Other")
    page.locator("#comment").blur()
    idle(page)


def panel_undo(hands: Hands, _left: Examination) -> None:
    hands.table.select("L1")
    hands.panel.sections.vertebrae.actions.exclude("tumour")
    for name in ("includeButton", "undoButton", "undoButton", "redoButton"):
        hands.click(name)
    hands.ui.commentEdit.setPlainText("Seen with Dr. Other")
    hands.wait(0.1)


def shift(page: Any) -> None:
    press(page, "data-steps='1'")
    choose(page, "L4")
    pick(page, "rename", "L5")


def panel_shift(hands: Hands, _left: Examination) -> None:
    from slicer_standin import mouse

    hands.click("shiftDownButton")
    hands.table.select("L4")
    mouse.choose_from_menu(hands.ui.renameButton, "L5")


def remove(page: Any) -> None:
    choose(page, "L3")
    press(page, "remove")
    page.keyboard.press("Control+Alt+z")
    idle(page)
    page.keyboard.press("Control+Alt+y")
    idle(page)


def panel_remove(hands: Hands, _left: Examination) -> None:
    hands.table.select("L3")
    for name in ("removeBodyButton", "undoButton", "redoButton"):
        hands.click(name)


def found_good(page: Any) -> None:
    choose(page, "L2")
    press(page, "outline", "confirm_names")


def panel_found_good(hands: Hands, _left: Examination) -> None:
    hands.table.select("L2")
    for name in ("outlineButton", "confirmButton"):
        hands.click(name)


CASES = {
    "plain": Prepared(lambda page: None, lambda hands, left: None),
    "moved": Prepared(move, lambda hands, left: brought(hands, "L1", left)),
    "resized": Prepared(resize, lambda hands, left: brought(hands, "L2", left)),
    "excluded": Prepared(exclude, panel_exclude),
    "own_words": Prepared(own_words, panel_own_words),
    "shifted": Prepared(shift, panel_shift),
    "removed": Prepared(remove, panel_remove),
    "fractured": Prepared(
        lambda page: (choose(page, "L1"), pick(page, "fracture", "2"))[-1],
        lambda hands, left: fractured(hands, "Fracture, Genant grade 2 (suggested by the heights)"),
        crushed,
    ),
    "not_fractured": Prepared(
        lambda page: (choose(page, "L1"), pick(page, "fracture", "dismiss"))[-1],
        lambda hands, left: fractured(hands, "Not fractured"),
        crushed,
    ),
    "found_good": Prepared(found_good, panel_found_good, holed),
    "undone": Prepared(undo, panel_undo),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results, in the order of their list, and the scan that all are of."""
    folder = tmp_path_factory.mktemp("prepared")
    with speaking("en", "browser"):
        made = make_result(folder)
        for name, case in CASES.items():
            shutil.copytree(made, folder / name)
            record = held(made)
            record = conclude(replace(record, quality=case.odd(record.quality)))
            (folder / name / "measurement.json").write_text(record.to_json() + "\n", encoding="utf-8")
        rows = [row_of(held(folder / name), name, str(folder / "scan")) for name in CASES]
        write_worklist(ordered(rows), folder / "list.json")
    return folder


def names_in(folder: Path) -> list[str]:
    """The cases in the order in which they are read."""
    return [row.folder for row in read_worklist(folder / "list.json").rows if row.folder is not None]


@pytest.fixture
def read_in_browser(prepared: Path, tmp_path: Path, page_of: Callable[..., Any]) -> Path:  # noqa: F811
    """All of them read and signed in a browser, by clicks and keys."""
    folder = shutil.copytree(prepared, tmp_path / "browser")
    with serving(Served(folder / "list.json")) as (address, _server):
        page = page_of(address)
        page.locator("#reader").fill(READER)
        page.locator("#reader").blur()
        idle(page)
        for count, name in enumerate(names_in(folder), start=1):
            CASES[name].page(page)
            page.keyboard.press("Control+Alt+s")
            until(page, f"document.querySelector('#counts').textContent.includes('Signed: {count}.')", timeout=60000)
            idle(page)
    return folder


@pytest.fixture
def worklist(panel: Hands, prepared: Path, tmp_path: Path) -> Iterator[Path]:
    """All of them on the panel's list."""
    folder = shutil.copytree(prepared, tmp_path / "panel")
    panel.ui.worklistSection.collapsed = False
    panel.ui.worklistPath.setCurrentPath(str(folder / "list.json"))
    yield folder
    panel.panel.run.abandon()
    panel.ui.worklistPath.setCurrentPath("")
    panel.widget.worklisting.forget()
    panel.ui.worklistSection.collapsed = True


def test_views_along_the_endplates_lie_in_the_browser_as_on_the_panel(panel: Hands, ct: Any, measured: Any) -> None:
    panel.show_measured(ct, measured)
    panel.table.select("L1")
    panel.click("obliqueCheckBox")
    review = panel.review
    grid = grid_along(review.examination, review.bodies, "L1", review.scan().geometry)
    left, back, up = np.array(grid.direction).T * [-1.0, -1.0, 1.0]  # in RAS
    assert np.degrees(np.arccos(up[2])) > 0.5
    on_screen = {"Red": (left, -back), "Yellow": (back, up), "Green": (left, up)}
    for name, (right, top) in on_screen.items():
        matrix = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().GetSliceToRAS()
        shown = np.array([[matrix.GetElement(i, j) for i in range(3)] for j in range(2)])
        assert shown == pytest.approx(np.array([right, top])), name
    panel.click("obliqueCheckBox")


def without_times(value: Any) -> Any:
    """A record's values without the times at which something was done, and without the digest over them."""
    if isinstance(value, dict):
        return {key: without_times(one) for key, one in value.items() if key not in ("time", "record_sha256")}
    return [without_times(one) for one in value] if isinstance(value, list) else value


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two values differ."""
    if type(one) is type(other) and isinstance(one, dict) and one.keys() == other.keys():
        return [found for key in one for found in differences(one[key], other[key], f"{at}.{key}")]
    if type(one) is type(other) and isinstance(one, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [found for number, pair in pairs for found in differences(*pair, f"{at}[{number}]")]
    return [] if one == other else [f"{at}: {one!r}, {other!r}"]


@pytest.mark.slow
def test_ten_cases_read_in_a_browser_and_on_the_panel_have_equal_records(
    read_in_browser: Path, worklist: Path, panel: Hands
) -> None:
    assert len(CASES) >= 10
    names = names_in(worklist)
    for number, name in enumerate(names):
        panel.click("signNextButton" if number else "nextButton")
        panel.finish_run()
        assert panel.widget.worklisting.case.folder.name == name
        CASES[name].panel(panel, held(read_in_browser / name))
    panel.click("signNextButton")
    panel.finish_run()
    changed = set()
    for name in names:
        page, own = held(read_in_browser / name), held(worklist / name)
        assert is_intact(page)
        assert is_intact(own)
        assert differences(without_times(page.to_dict()), without_times(own.to_dict())) == [], name
        changed.add(json.dumps([page.to_dict()[part] for part in ("measurements", "quality", "assessment", "comment")]))
    assert len(changed) == len(names), "each case ends otherwise"
