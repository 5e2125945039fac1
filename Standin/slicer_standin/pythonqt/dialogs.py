"""Modal dialogs: the return values that PythonQt gives, and answers from a test in place of a user.

PythonQt drops output parameters: `QFileDialog.getOpenFileName` gives the path alone, `QInputDialog.getText` the text
alone (with an optional `BoolResult` that takes `ok`), where PySide6 gives a pair.

In a test no one closes a dialog. `answering(...)` queues the answers; a dialog that no answer was queued for raises.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PySide6 import QtWidgets


class BoolResult:
    """`PythonQt.BoolResult`, mirrors `PythonQtBoolResult.cpp`: takes the value of a `bool*` parameter."""

    def __init__(self) -> None:
        self._value = False

    def __bool__(self) -> bool:
        return self._value


@dataclass(frozen=True)
class Shown:
    """A dialog that was shown: which class or function, and what a reader saw."""

    kind: str
    title: str
    text: str
    details: str = ""


class UnansweredDialog(AssertionError):
    """A dialog came up in a test that did not expect it."""


_answers: deque[Any] = deque()
_shown: list[Shown] = []
_automatic = False


def answer_automatically() -> None:
    """From now on no dialog waits for a user."""
    global _automatic
    _automatic = True


@contextmanager
def answering(*answers: Any) -> Iterator[list[Shown]]:
    """Answers for the dialogs to come, in order; gives the list of those that were shown.

    A message box takes a standard button or the text of a button, a file dialog a path, an input dialog a value or
    None for cancel, a menu the text of an action, any other dialog what its `exec_` returns. An answer may be a
    function of the dialog that gives one of these. Raises AssertionError where an answer is left over.
    """
    _answers.extend(answers)
    start = len(_shown)
    seen: list[Shown] = []
    try:
        yield seen
        if _answers:
            raise AssertionError(f"no dialog came up for the answers {list(_answers)}")
    finally:
        seen[:] = _shown[start:]
        _answers.clear()


def _next_answer(shown: Shown, dialog: Any) -> Any:
    _shown.append(shown)
    if not _answers:
        raise UnansweredDialog(f"{shown.kind} '{shown.title}' came up and nobody answers: {shown.text} {shown.details}")
    answer = _answers.popleft()
    return answer(dialog) if callable(answer) else answer


def _box_result(box: Any, answer: Any) -> Any:
    if not isinstance(answer, str):
        return answer
    button = next((b for b in box.buttons() if b.text.replace("&", "") == answer), None)
    if button is None:
        raise AssertionError(f"no button '{answer}'; there are {[b.text for b in box.buttons()]}")
    button.click()
    return box.standardButton(button)


def _exec_dialog(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def exec_(self: Any) -> Any:
        if not _automatic:
            return original(self)
        if isinstance(self, QtWidgets.QMessageBox):
            shown = Shown(type(self).__name__, self.windowTitle, self.text, self.detailedText)
            return _box_result(self, _next_answer(shown, self))
        return _next_answer(Shown(type(self).__name__, self.windowTitle, ""), self)

    return exec_


def _exec_menu(original: Callable[..., Any]) -> Callable[..., Any]:
    def exec_(self: Any, *args: Any) -> Any:
        if not _automatic:
            return original(self, *args)
        actions = {a.text.replace("&", ""): a for a in self.actions() if not a.isSeparator() and a.isVisible()}
        answer = _next_answer(Shown("QMenu", self.title, ", ".join(actions)), self)
        if answer is None:
            return None
        if answer not in actions or not actions[answer].isEnabled():
            raise AssertionError(f"no enabled action '{answer}'; the menu has {list(actions)}")
        actions[answer].trigger()
        return actions[answer]

    return exec_


def _path_function(name: str) -> Callable[..., str]:
    original = getattr(QtWidgets.QFileDialog, name)

    def get_path(parent: Any = None, caption: str = "", directory: str = "", *rest: Any) -> str:
        if not _automatic:
            result = original(parent, caption, directory, *rest)
            return result[0] if isinstance(result, tuple) else result
        return _next_answer(Shown(f"QFileDialog.{name}", caption, str(directory)), None) or ""

    return get_path


def _input_function(name: str, defaults_at: int) -> Callable[..., Any]:
    original = getattr(QtWidgets.QInputDialog, name)

    def get_value(parent: Any, title: str, label: str, *rest: Any) -> Any:
        given = [a for a in rest if not isinstance(a, BoolResult)]
        if _automatic:
            answer = _next_answer(Shown(f"QInputDialog.{name}", title, label), None)
            ok = answer is not None
            value = answer if ok else (given[defaults_at] if len(given) > defaults_at else "")
            value = "" if not ok and name == "getText" else value
        else:
            value, ok = original(parent, title, label, *given)
        for result in rest:
            if isinstance(result, BoolResult):
                result._value = ok
        return value

    return get_value


def _message_function(name: str) -> Callable[..., Any]:
    original = getattr(QtWidgets.QMessageBox, name)

    def show(parent: Any, title: str, text: str, *rest: Any) -> Any:
        if not _automatic:
            return original(parent, title, text, *rest)
        return _next_answer(Shown(f"QMessageBox.{name}", title, text), None)

    return show


def install() -> None:
    """Put PythonQt's results, and the answers, in place of PySide6's."""
    for cls in (QtWidgets.QDialog, QtWidgets.QMessageBox):
        cls.exec = cls.exec_ = _exec_dialog(cls.exec)
    QtWidgets.QMenu.exec = QtWidgets.QMenu.exec_ = _exec_menu(QtWidgets.QMenu.exec)
    for name in ("getExistingDirectory", "getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        setattr(QtWidgets.QFileDialog, name, staticmethod(_path_function(name)))
    for name, defaults_at in (("getText", 1), ("getItem", 0), ("getInt", 0), ("getDouble", 0)):
        setattr(QtWidgets.QInputDialog, name, staticmethod(_input_function(name, defaults_at)))
    for name in ("about", "critical", "information", "question", "warning"):
        setattr(QtWidgets.QMessageBox, name, staticmethod(_message_function(name)))
