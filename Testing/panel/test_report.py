"""The reader's comment, the signature and the preview; and the module's own test."""

import json
from pathlib import Path
from typing import Any

import pytest
import slicer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from panel_fixtures import READER, Hands

from ldct_bmd.examination import Examination, is_intact
from ldct_bmd.reporting.keys import SignatureCheck, check_signature


@pytest.fixture
def review(panel: Hands, ct: Any, measured: Any) -> Hands:
    """The panel with a measured scan."""
    panel.show_measured(ct, measured)
    return panel


def test_the_comment_stays_with_its_examination(review: Hands, ct: Any) -> None:
    review.ui.commentEdit.setPlainText("Old fracture of L1.")
    assert json.loads(review.review.node.GetText())["record"]["comment"] == "Old fracture of L1."
    review.panel.parameters.inputVolume = None
    assert review.ui.commentEdit.plainText == ""
    review.panel.parameters.inputVolume = ct
    assert review.ui.commentEdit.plainText == "Old fracture of L1."


def test_undo_takes_no_word_of_the_comment_back(review: Hands) -> None:
    review.table.select("L1")
    review.panel.sections.vertebrae.actions.exclude("fracture")
    review.ui.commentEdit.setPlainText("Seen on the sagittal view.")
    review.review.do(lambda review: review.undo())
    assert review.examination.comment == "Seen on the sagittal view."
    assert review.ui.commentEdit.plainText == "Seen on the sagittal view."


def test_a_record_says_when_it_was_measured(review: Hands) -> None:
    assert review.examination.measured_at is not None


def test_a_signature_covers_the_comment_and_locks_it(review: Hands) -> None:
    review.ui.commentEdit.setPlainText("No fracture.")
    review.click("signButton")
    assert is_intact(review.examination)
    assert review.examination.signature.reader == READER
    assert not review.ui.commentEdit.enabled
    review.click("signButton")
    assert [entry.what for entry in review.examination.history] == ["signed", "unsigned"]
    assert review.ui.commentEdit.enabled


def test_a_site_s_key_signs_and_is_remembered(review: Hands, tmp_path: Path) -> None:
    import qt

    from LDCTBoneDensityLib.panel.ReportPanel import KEY_SETTING

    private = Ed25519PrivateKey.generate()
    key = tmp_path / "key.pem"
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    review.ui.keyPath.setCurrentPath(str(key))
    assert qt.QSettings().value(KEY_SETTING) == str(key)
    review.click("signButton")
    public = private.public_key().public_bytes_raw().hex()
    assert check_signature(review.examination, public) is SignatureCheck.KEY_TRUSTED
    review.click("signButton")
    key.write_text("no key")
    review.click("signButton")
    assert review.examination.signature is None
    assert "can't be read as a private key" in review.message
    review.ui.keyPath.setCurrentPath("")


def test_a_signed_record_that_was_changed_in_the_scene_is_told_and_not_exported(
    review: Hands, ct: Any, tmp_path: Path
) -> None:
    review.click("signButton")
    node = review.review.node
    values = json.loads(node.GetText())
    values["record"]["measurements"][0]["bmd_mg_cm3"] += 30.0
    node.SetText(json.dumps(values))
    review.panel.parameters.inputVolume = None
    review.panel.logic.forgetAll()
    review.panel.parameters.inputVolume = ct
    assert "changed afterwards" in review.ui.signatureLabel.text
    review.ui.exportPath.currentPath = str(tmp_path / "out")
    review.click("exportButton")
    review.finish_run()
    assert "changed after" in review.message
    assert list(tmp_path.iterdir()) == []


def test_the_preview_shows_the_report_as_it_stands_and_leaves_nothing(review: Hands) -> None:
    review.ui.commentEdit.setPlainText("Kyphosis.")
    review.click("previewButton")
    review.finish_run()
    window, page = review.panel.sections.report.preview.window, review.panel.sections.report.preview.page
    assert window.visible
    assert window.url == page.as_uri()
    html = page.read_text(encoding="utf-8")
    assert "Kyphosis." in html
    assert "AUTOMATIC, NOT REVIEWED" in html
    assert "data:image/png" in html
    review.panel.sceneClosed()
    assert not page.parent.exists()
    assert review.panel.sections.report.preview.window is None


def test_without_slicers_web_view_the_systems_browser_shows_the_report(
    review: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qt

    opened: list[str] = []
    monkeypatch.delattr(slicer, "qSlicerWebWidget")
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True)
    review.panel.sections.report.preview.show(written_page(Path(slicer.app.temporaryPath)))
    assert opened == [review.panel.sections.report.preview.page.as_uri()]
    review.panel.sections.report.preview.close()


def written_page(folder: Path) -> Path:
    page = folder / "report.html"
    page.write_text("<p>report</p>", encoding="utf-8")
    return page


def test_a_record_read_back_is_the_one_that_was_signed(review: Hands) -> None:
    review.click("signButton")
    text = review.examination.to_json()
    assert Examination.from_json(text) == review.examination
    assert is_intact(Examination.from_json(text))
