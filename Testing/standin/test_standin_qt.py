"""The stand-in's Qt behaves as PythonQt does, and refuses what PythonQt or Slicer would."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def qt(application: Any) -> Any:
    import qt

    return qt


def test_properties_are_attributes(qt: Any) -> None:
    button = qt.QPushButton("old")
    button.text = "new"
    button.enabled = False
    assert (button.text, button.enabled, button.objectName) == ("new", False, "")


def test_anything_has_a_truth_for_a_bool_property(qt: Any) -> None:
    button = qt.QPushButton()
    button.enabled = []
    assert button.enabled is False
    button.enabled = "text"
    assert button.enabled is True


@pytest.mark.parametrize(
    ("name", "value"),
    [("foo", 1), ("setText", "x"), ("width", 3), ("minimumWidth", "wide")],
    ids=["unknown name", "method", "read-only", "wrong type"],
)
def test_what_a_cpp_object_does_not_take_is_refused(qt: Any, name: str, value: Any) -> None:
    button = qt.QPushButton()
    with pytest.raises(AttributeError, match=name):
        setattr(button, name, value)


def test_a_method_of_an_item_can_not_be_overwritten_by_mistake(qt: Any) -> None:
    with pytest.raises(AttributeError, match="text"):
        qt.QTableWidgetItem("a").text = "b"


def test_a_class_of_ones_own_takes_attributes(qt: Any) -> None:
    class Own(qt.QWidget):
        pass

    own = Own()
    own.anything = 3
    assert own.anything == 3


def test_a_dynamic_property_is_an_attribute_once_it_is_set(qt: Any) -> None:
    label = qt.QLabel()
    label.setProperty("SlicerParameterName", "one")
    label.SlicerParameterName = "two"
    assert label.property("SlicerParameterName") == "two"


@pytest.mark.parametrize("signature", ["clicked(int)", "clicked", "pushed()", "clicked(bool, int)"])
def test_a_signal_signature_that_does_not_exist_is_refused(qt: Any, signature: str) -> None:
    with pytest.raises(ValueError, match="does not exist on QPushButton"):
        qt.QPushButton().connect(signature, print)


def test_a_signature_is_taken_in_any_spacing(qt: Any) -> None:
    tree, got = qt.QTreeWidget(), []
    tree.addTopLevelItem(qt.QTreeWidgetItem(["a"]))
    tree.connect("itemChanged( QTreeWidgetItem *, int )", lambda item, column: got.append(column))
    tree.topLevelItem(0).setText(0, "b")
    assert got == [0]


def test_a_handler_gets_as_many_arguments_as_it_names(qt: Any) -> None:
    button, got = qt.QPushButton(), []
    button.connect("clicked(bool)", lambda: got.append("none"))
    button.connect("clicked(bool)", lambda checked: got.append(checked))
    button.connect("clicked()", lambda *args: got.append(args))
    button.click()
    assert got == ["none", False, ()]


def test_a_signal_is_an_attribute_that_can_be_connected(load_ui: Callable[..., Any]) -> None:
    edit, got = load_ui(cls="QLineEdit", prop="text", kind="string", value="a", slot="hide()"), []
    edit.textChanged.connect(got.append)
    edit.text = "b"
    edit.textChanged.disconnect(got.append)
    edit.text = "c"
    assert got == ["b"]


def test_a_disconnected_handler_is_not_called(qt: Any) -> None:
    button, got = qt.QPushButton(), []

    def handler() -> None:
        got.append(1)

    button.connect("clicked()", handler)
    assert button.disconnect("clicked()", handler)
    assert not button.disconnect("clicked()", handler)
    button.click()
    assert got == []


def test_an_error_in_a_handler_is_kept_for_the_test_to_fail_on(qt: Any, expected_failures: list[str]) -> None:
    from slicer_standin.pythonqt.failures import take_failures

    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert "ZeroDivisionError" in take_failures()[0]
    button.click()
    expected_failures.append("ZeroDivisionError")


def test_a_process_tells_of_its_end_and_its_output(qt: Any) -> None:
    import sys

    from slicer_standin.mouse import process_until

    process, ended = qt.QProcess(), []
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: ended.append((code, status)))
    process.start(sys.executable, ["-c", "print('said')"])
    process_until(lambda: ended, 60)
    assert ended == [(0, qt.QProcess.NormalExit)]
    assert process.readAllStandardOutput().data() == b"said\n"


def test_a_message_box_gets_the_answer_that_was_queued_and_is_kept(qt: Any) -> None:
    import slicer

    from slicer_standin.pythonqt.dialogs import answering

    with answering(qt.QMessageBox.Cancel, "OK") as shown:
        assert not slicer.util.confirmOkCancelDisplay("Sure?", "Asking")
        assert slicer.util.confirmOkCancelDisplay("Really?")
    assert (shown[0].title, shown[0].text) == ("Asking", "Sure?")


def test_a_dialog_that_nobody_expects_fails(qt: Any) -> None:
    import slicer

    from slicer_standin.pythonqt.dialogs import UnansweredDialog

    with pytest.raises(UnansweredDialog, match="broken"):
        slicer.util.errorDisplay("broken")


def test_file_and_input_dialogs_give_the_value_alone(qt: Any) -> None:
    from PythonQt import BoolResult

    from slicer_standin.pythonqt.dialogs import answering

    ok = BoolResult()
    with answering("/a/b.json", "name", None):
        assert qt.QFileDialog.getOpenFileName(None, "Open", "/a") == "/a/b.json"
        assert qt.QInputDialog.getText(None, "T", "L", qt.QLineEdit.Normal, "", ok) == "name"
        assert ok
        assert qt.QInputDialog.getText(None, "T", "L", qt.QLineEdit.Normal, "", ok) == ""
    assert not ok


def test_a_menu_triggers_the_action_that_was_named(qt: Any) -> None:
    from slicer_standin.pythonqt.dialogs import answering

    menu, got = qt.QMenu(), []
    menu.addAction("&One").connect("triggered()", lambda: got.append(1))
    menu.addAction("Two").setEnabled(False)
    with answering("One"):
        menu.exec_(qt.QPoint(0, 0))
    with pytest.raises(AssertionError, match="no enabled action"), answering("Two"):
        menu.exec_(qt.QPoint(0, 0))
    assert got == [1]


UI = """<ui version="4.0"><class>T</class><widget class="qMRMLWidget" name="T"><layout class="QVBoxLayout" name="l">
<item><widget class="{cls}" name="w"><property name="{prop}"><{kind}>{value}</{kind}></property></widget></item>
</layout></widget>
<connections><connection><sender>T</sender><signal>{signal}</signal><receiver>w</receiver><slot>{slot}</slot></connection>
</connections></ui>"""
GOOD = {
    "cls": "qMRMLNodeComboBox", "prop": "noneEnabled", "kind": "bool", "value": "true",
    "signal": "mrmlSceneChanged(vtkMRMLScene*)", "slot": "setMRMLScene(vtkMRMLScene*)",
}  # fmt: skip


@pytest.fixture
def load_ui(application: Any, tmp_path: Path) -> Callable[..., Any]:
    import slicer

    roots = []

    def load(**changes: str) -> Any:
        path = tmp_path / "T.ui"
        path.write_text(UI.format(**{**GOOD, **changes}))
        roots.append(slicer.util.loadUI(str(path)))
        return slicer.util.childWidgetVariables(roots[-1]).w

    return load


def test_a_ui_file_sets_properties_and_hands_the_scene_on(load_ui: Callable[..., Any]) -> None:
    import slicer

    selector = load_ui()
    assert selector.noneEnabled
    selector.parent().setMRMLScene(slicer.mrmlScene)
    assert selector.mrmlScene() is slicer.mrmlScene


def test_an_enumeration_of_a_ctk_class_is_read_from_its_names(load_ui: Callable[..., Any]) -> None:
    import ctk

    edit = load_ui(
        cls="ctkPathLineEdit", prop="filters", kind="set", value="ctkPathLineEdit::Files|ctkPathLineEdit::Readable",
        signal="mrmlSceneChanged(vtkMRMLScene*)", slot="hide()",
    )  # fmt: skip
    assert edit.filters == ctk.ctkPathLineEdit.Files | ctk.ctkPathLineEdit.Readable


@pytest.mark.parametrize(
    "changes",
    [
        {"cls": "qMRMLNodeComboBoxx"},
        {"prop": "noneEnabledd"},
        {"signal": "mrmlSceneChanged()"},
        {"slot": "setScene(vtkMRMLScene*)"},
    ],
    ids=["class", "property", "signal", "slot"],
)
def test_a_ui_file_with_what_does_not_exist_is_refused(load_ui: Callable[..., Any], changes: dict[str, str]) -> None:
    with pytest.raises((RuntimeError, ValueError)):
        load_ui(**changes)


def test_a_widget_that_is_only_named_can_not_be_made(application: Any) -> None:
    import ctk

    with pytest.raises(NotImplementedError, match="ctkRangeWidget"):
        ctk.ctkRangeWidget()


def test_a_class_that_neither_has_is_no_attribute(application: Any) -> None:
    import ctk
    import slicer

    for module, name in ((ctk, "ctkFoo"), (slicer, "qMRMLFoo"), (slicer.modules, "foo")):
        with pytest.raises(AttributeError):
            getattr(module, name)


def test_a_section_opens_with_what_was_hidden_while_it_was_collapsed_still_hidden(qt: Any) -> None:
    import ctk

    section = ctk.ctkCollapsibleButton("Section")
    layout = qt.QVBoxLayout(section)
    kept, hidden, shown = (qt.QLabel(name) for name in ("kept", "hidden", "shown"))
    for label in (kept, hidden, shown):
        layout.addWidget(label)
    shown.setVisible(False)
    section.show()
    section.collapsed = True
    hidden.setVisible(False)
    shown.setVisible(True)
    assert not any(label.isVisible() for label in (kept, hidden, shown))
    section.collapsed = False
    assert [label.isVisible() for label in (kept, hidden, shown)] == [True, False, True]
    section.deleteLater()
