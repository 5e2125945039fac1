"""The line with a path does as CTK's: what it emits, and which dialog its button opens."""

from typing import Any

import pytest


@pytest.fixture
def field(application: Any) -> Any:
    import ctk

    field = ctk.ctkPathLineEdit()
    yield field
    field.deleteLater()


def test_a_cleared_line_emits_no_path_but_that_it_is_not_valid(field: Any) -> None:
    told: list[Any] = []
    field.connect("currentPathChanged(QString)", told.append)
    field.connect("validInputChanged(bool)", told.append)
    field.currentPath = "/a"
    field.currentPath = "/ab"
    field.currentPath = ""
    field.currentPath = ""
    assert told == ["/a", True, "/ab", False]


def test_a_path_of_another_kind_is_not_emitted(field: Any) -> None:
    told: list[str] = []
    field.connect("currentPathChanged(QString)", told.append)
    field.nameFilters = ["Records (*.json *.txt)"]
    for path in ("/a.png", "/b.json", "/c.txt"):
        field.currentPath = path
    assert told == ["/b.json", "/c.txt"]
    assert field.currentPath == "/c.txt"


@pytest.mark.parametrize(
    ("filters", "dialog"),
    [
        (None, "getOpenFileName"),
        (("Files", "Writable"), "getSaveFileName"),
        (("Dirs", "Writable"), "getExistingDirectory"),
    ],
)
def test_its_button_opens_the_dialog_of_its_filters(field: Any, filters: Any, dialog: str) -> None:
    import ctk

    from slicer_standin.pythonqt.dialogs import answering

    if filters is not None:
        field.filters = sum(getattr(ctk.ctkPathLineEdit, name) for name in filters)
    with answering("/chosen") as shown:
        field.browse()
    assert shown[0].kind == f"QFileDialog.{dialog}"
    assert field.currentPath == "/chosen"


def test_a_new_line_shows_the_newest_path_that_was_kept_under_its_key(field: Any) -> None:
    import ctk

    field.currentPath = "/kept"
    field.addCurrentPathToHistory()
    assert ctk.ctkPathLineEdit().currentPath == "/kept"
    other = ctk.ctkPathLineEdit()
    other.settingKey = "another"
    assert [other.comboBox().itemText(i) for i in range(other.comboBox().count)] == []


def hints(field: Any) -> tuple[int, int]:
    return field.sizeHint().width(), field.minimumSizeHint().width()


def test_it_is_as_wide_as_the_path_that_it_first_shows(field: Any) -> None:
    import ctk

    field.currentPath = "x" * 200
    assert min(hints(field)) > 200
    first = hints(field)
    field.currentPath = "x"
    assert hints(field) == first
    field.sizeAdjustPolicy = ctk.ctkPathLineEdit.AdjustToContents
    assert field.sizeHint().width() < first[0]


def test_with_a_least_length_it_is_as_wide_as_that_whatever_it_shows(field: Any) -> None:
    import ctk

    field.sizeAdjustPolicy = ctk.ctkPathLineEdit.AdjustToMinimumContentsLength
    field.minimumContentsLength = 10
    field.currentPath = "x" * 200
    wide, least = hints(field)
    assert wide == least < 200
