"""De-identified copies: nothing of the patient, the readers or the dates is left; what was measured is."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pydicom
import pypdf
import pytest
import SimpleITK as sitk

from helpers_record import with_scan
from helpers_report import SIGNED_AT, case, judged
from ldct_bmd.calibration import Calibration
from ldct_bmd.calibration.match import CalibrationChoice
from ldct_bmd.calibration.provenance import Method, Provenance, Scanner
from ldct_bmd.corrections import change_calibration, change_rules, exclude_level
from ldct_bmd.examination import Examination, FileReference, conclude, sign, unsign
from ldct_bmd.findings import FindingCode
from ldct_bmd.reporting.deidentify import deidentified
from ldct_bmd.reporting.dicom.deidentify import KEY_VARIABLE, deidentified_source
from ldct_bmd.reporting.files import DICOM_FILES, RESULT_FILES
from ldct_bmd.reporting.outputs import write_deidentified
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.rules import ACR, RULE_SETS, HULimit
from ldct_bmd.words import Phrase, speaking, told

READER = "Dr. Lieselotte Reader"
OWN_WORDS = "known to Mrs Doe's family"
COMMENT = "Her daughter Alma called"
OWN_CALIBRATION = Calibration("General Hospital CT3", 0.8, 0.0, "K2HPO4", 120.0, False, "Made by Mr Physicist")
SECRETS = (
    "Doe",
    "Jane",
    "P-17",
    "A-1\\",
    "19610102",
    "1961-01-02",
    "20240102",
    "2024-01-02",
    "Referrer",
    "General Hospital",
    "CT-ROOM-3",
    "CHEST LOW DOSE",
    READER,
    OWN_WORDS,
    COMMENT,
    "Physicist",
    SIGNED_AT[:10],
)


@pytest.fixture(scope="module")
def signed() -> Examination:
    examination = exclude_level(case().examination, "L2", "other", READER, "2024-05-06T08:00:00Z", words=f"{OWN_WORDS}")
    examination = change_calibration(examination, OWN_CALIBRATION, READER, "2024-05-06T08:01:00Z")
    examination = replace(examination, comment=COMMENT)
    return sign(examination, READER, SIGNED_AT, "General Hospital")


@pytest.fixture(scope="module")
def written(signed: Examination, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deidentified") / "out"
    write_deidentified(folder, signed, case().pixels)
    return folder


def test_the_record_itself_holds_the_secrets_that_the_copy_must_not(signed: Examination) -> None:
    text = signed.to_json()
    assert all(secret in text for secret in ("Doe", "P-17", READER, OWN_WORDS, "General Hospital CT3"))


def all_text(path: Path) -> str:
    """All that a file says; compressed pixels, in which any three letters turn up, are left out."""
    if path.suffix == ".pdf":
        document = pypdf.PdfReader(path)
        return "".join(page.extract_text() for page in document.pages) + str(document.metadata)
    if path.suffix in (".gz", ".nrrd", ".png"):
        image = sitk.ImageFileReader()
        image.SetFileName(str(path))
        image.ReadImageInformation()
        return path.name * 20 + str({key: image.GetMetaData(key) for key in image.GetMetaDataKeys()})
    if path.suffix == ".dcm":
        dataset = pydicom.dcmread(path)
        for keyword in ("PixelData", "EncapsulatedDocument"):
            if keyword in dataset:
                del dataset[keyword]
        return str(dataset) + str(dataset.file_meta)
    return re.sub(r"base64,[^\"]+", "", path.read_text(encoding="utf-8"))


def test_no_output_holds_a_secret(written: Path) -> None:
    files = [path for path in written.rglob("*") if path.is_file()]
    assert len(files) == len(RESULT_FILES) + 10
    for path in files:
        told = all_text(path)
        assert len(told) > 100
        for secret in SECRETS:
            assert secret not in told, (path.name, secret)


def test_no_true_uid_is_left(written: Path) -> None:
    source = case().pixels.source
    true = {image.SOPInstanceUID for image in source.images}
    true |= {source.first.StudyInstanceUID, source.first.SeriesInstanceUID, source.first.FrameOfReferenceUID}
    for path in [path for path in written.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        assert not [uid for uid in true if uid.encode() in content], path.name


STORE_SECRETS = ("2019-11", "2019-12", "SN-4711", "asked Mr Physicist", "Phantom of Ward 3", "2018-12-24")


@pytest.fixture(scope="module")
def from_store() -> Examination:
    """A record whose findings cite a store's calibrations, with a choice that says why one was taken."""
    provenance = Provenance(
        Method.PHANTOM, Scanner("ACME", "CT 9", "CT-9", "SN-4711"), date="2018-12-24", phantom="Phantom of Ward 3"
    )
    calibration = replace(OWN_CALIBRATION, provenance=provenance)
    missed = CalibrationChoice(
        calibration.identifier,
        False,
        False,
        Phrase("calibration_choice.none_fits", {"reasons": (told("made on SN-4711; retired: asked Mr Physicist"),)}),
        (told("The series of SN-4711 drifts since 2019-11."),),
        ("2019-11", "2019-12"),
    )
    return change_calibration(case().examination, calibration, READER, SIGNED_AT, missed)


def test_nothing_of_the_calibration_store_is_told(from_store: Examination, tmp_path: Path) -> None:
    codes = {finding.code for finding in from_store.findings}
    assert {FindingCode.NO_MATCHING_CALIBRATION, FindingCode.CALIBRATION_DRIFT} < codes
    assert all(secret in from_store.to_json() for secret in STORE_SECRETS)
    assert {finding.code for finding in deidentified(from_store).findings} == codes - {FindingCode.OTHER_SERIES}
    write_deidentified(tmp_path / "out", from_store, case().pixels)
    for path in [path for path in (tmp_path / "out").rglob("*") if path.is_file()]:
        told = all_text(path)
        assert not [secret for secret in STORE_SECRETS if secret in told], path.name


def test_a_sites_own_rules_are_not_told_and_published_ones_are(signed: Examination) -> None:
    limit = HULimit("L1", 500.0, "audit of the St. Elsewhere clinic")
    own = replace(ACR, name="elsewhere", title="Rules of St. Elsewhere", source="Elsewhere 2025", hu_limit=limit)
    record = change_rules(unsign(signed, READER, SIGNED_AT), own, READER, SIGNED_AT)
    assert "Elsewhere" in record.to_json()
    copy = deidentified(sign(record, READER, SIGNED_AT, acknowledged=[code.value for code in FindingCode]))
    assert "lsewhere" not in copy.to_json()
    assert copy.assessment.rules is not None
    assert copy.assessment.rules.limits_mg_cm3 == own.limits_mg_cm3
    published = change_rules(unsign(signed, READER, SIGNED_AT), RULE_SETS["china"], READER, SIGNED_AT)
    assert deidentified(published).assessment.rules == RULE_SETS["china"]


def test_a_month_in_a_sentence_is_taken_out(from_store: Examination) -> None:
    quality = replace(
        from_store.quality, names_remark=told("As in 2019-11, on 2019-11-05 and 20191105; 12.2019-1 stays.")
    )
    copy = deidentified(replace(from_store, quality=quality))
    assert str(copy.quality.names_remark) == "As in [removed], on [removed] and [removed]; 12.2019-1 stays."


def test_names_are_taken_out_whatever_their_case_and_dates_whatever_adjoins_them() -> None:
    record = case().examination
    record = replace(record, scan=replace(record.scan, patient=replace(record.scan.patient, name="DOE^JANE")))
    said = "Of doe_jane, DoeJane and JaneDoe_19500101_0042, b.20240102083000z; the Doer of 1.219500101 stays."
    quality = replace(record.quality, names_remark=told(said))
    copy = deidentified(replace(record, quality=quality))
    expected = (
        "Of [removed]_[removed], [removed] and [removed]_[removed]_0042, b.[removed]z; the Doer of 1.219500101 stays."
    )
    assert str(copy.quality.names_remark) == expected


def test_files_that_were_passed_over_are_counted_and_not_named() -> None:
    names = ("Doe_John_19500101_0042.dcm.gz", "B_Smith_PID7788.dcm.gz", "linked_Dr_Mueller", "x", "y", "z", "w")
    for lost in (names, names[:1]):
        record = conclude(with_scan(case().examination, passed_over=lost))
        copy = deidentified(record)
        finding = next(one for one in copy.findings if one.code is FindingCode.FILES_PASSED_OVER)
        assert finding.message.startswith(f"{len(lost)} files" if len(lost) > 1 else "One file")
        assert "could not be read." in finding.message
        for secret in ("Doe", "19500101", "0042", "Smith", "7788", "Mueller"):
            assert secret not in copy.to_json()
        assert Examination.from_json(copy.to_json()) == copy


@pytest.mark.parametrize("words", ["王芳的家属提到", "王芳", "痛"])
@pytest.mark.parametrize("signs", [False, True])
def test_chinese_names_and_a_readers_own_words_of_an_exclusion_are_taken_out(words: str, signs: bool) -> None:
    patient = replace(case().examination.scan.patient, name="Wang^Fang=王^芳")
    record = replace(case().examination, scan=replace(case().examination.scan, patient=patient))
    with speaking("zh"):
        record = exclude_level(record, "L2", "other", "李明", SIGNED_AT, words)
        assert record.automatic is not None
        quality = replace(record.quality, names_remark=told("王芳，王 芳"))
        record = replace(record, quality=quality, automatic=replace(record.automatic, assessment=record.assessment))
        if signs:
            record = sign(record, "李明", SIGNED_AT)
            assert words in record.assessment.statement
        copy = deidentified(record)
        assert "其他" in copy.assessment.statement
        text = json.dumps(copy.to_dict(), ensure_ascii=False)
    assert str(copy.quality.names_remark) == "[removed]，[removed]"
    for secret in ("王芳", "李明", "家属", words):
        assert secret not in text
    assert copy.assessment.left_out[0].reason == Phrase("exclusion.other")


def test_a_reason_to_choose_from_and_its_statement_stay(signed: Examination) -> None:
    record = exclude_level(case().examination, "L2", "cyst", READER, SIGNED_AT)
    assert deidentified(sign(record, READER, SIGNED_AT)).assessment.statement == record.assessment.statement


def test_no_name_tears_what_the_software_itself_says_apart() -> None:
    record = exclude_level(case().examination, "L2", "cyst", "level", SIGNED_AT)
    patient = replace(record.scan.patient, name="Mal^Pen", patient_id="117")
    digest = "117ab19500101cd" + 49 * "e"
    files = (FileReference("vertebrae.nii.gz", digest),)
    copy = deidentified(replace(record, scan=replace(record.scan, patient=patient), files=files))
    assert copy.assessment.category == record.assessment.category
    assert copy.history[-1].what == "level_excluded"
    assert copy.files == files


def test_no_mask_file_holds_a_secret_once_it_is_decompressed(written: Path) -> None:
    for name in ("vertebrae.nii.gz", "vertebrae.seg.nrrd"):
        content = (written / name).read_bytes()
        header, data = (b"", content) if name.endswith(".gz") else content.split(b"\n\n", 1)
        whole = header + (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        assert len(whole) > len(content)
        assert not [secret for secret in SECRETS if secret.encode() in whole], name


def test_what_was_measured_stays(signed: Examination) -> None:
    copy = deidentified(signed)
    assert [m.bmd_mg_cm3 for m in copy.measurements] == [m.bmd_mg_cm3 for m in signed.measurements]
    assert copy.assessment.category == signed.assessment.category
    assert copy.assessment.levels == signed.assessment.levels
    assert (copy.scan.patient.sex, copy.scan.patient.age_years) == ("F", 63.0)
    assert [entry.what for entry in copy.history] == [entry.what for entry in signed.history]
    assert {entry.reader for entry in copy.history} == {"reader 1"}
    assert Examination.from_json(copy.to_json()) == copy


def test_ages_over_89_are_one(signed: Examination) -> None:
    old = replace(signed, scan=replace(signed.scan, patient=replace(signed.scan.patient, age_years=97.0)))
    assert deidentified(old).scan.patient.age_years == 90.0


def test_the_report_says_that_it_is_a_copy_and_that_the_original_is_signed(signed: Examination) -> None:
    report = compose(deidentified(signed), deidentified=True)
    assert report.copy == "De-identified copy"
    assert report.state.kind == "signed"
    assert READER not in report.state.detail


@pytest.mark.parametrize("name", DICOM_FILES)
def test_dciodvfy_finds_no_error_in_a_deidentified_object(written: Path, name: str) -> None:
    told = judged("dciodvfy", written / "dicom" / name)
    assert [line for line in told.splitlines() if line.startswith("Error")] == []


def test_the_objects_say_that_they_are_deidentified_and_verify_nobody(written: Path) -> None:
    for path in (written / "dicom").iterdir():
        dataset = pydicom.dcmread(path)
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.PatientID.startswith("DEID-")
    report = pydicom.dcmread(written / "dicom" / "sr.dcm")
    assert (report.CompletionFlag, report.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    assert "VerifyingObserverSequence" not in report


def test_with_a_key_two_exports_refer_to_the_same_images_and_without_one_to_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = case().pixels.source

    def uids() -> list[str]:
        return [str(image.SOPInstanceUID) for image in deidentified_source(source).images]

    assert not set(uids()) & set(uids())
    monkeypatch.setenv(KEY_VARIABLE, "the trial's key")
    assert uids() == uids()
    assert len(set(uids())) == len(source.images)


def test_tables_and_page_are_the_same_each_time(signed: Examination, written: Path, tmp_path: Path) -> None:
    write_deidentified(tmp_path / "again", signed, case().pixels)
    for name in ("report.html", "report.pdf", "report.csv", "report_patient.csv", "measurement.json"):
        assert (tmp_path / "again" / name).read_bytes() == (written / name).read_bytes()
