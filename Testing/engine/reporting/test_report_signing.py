"""Signing: what it locks, what it detects, with and without a key."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from helpers_record import READER, TIME, examined
from ldct_bmd.calibration.match import CalibrationChoice
from ldct_bmd.column import confirm_names
from ldct_bmd.corrections import exclude_level
from ldct_bmd.examination import (
    Examination,
    FileReference,
    HistoryEntry,
    conclude,
    is_intact,
    record_sha256,
    sign,
    unsign,
    with_mask_files,
)
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.deidentify import deidentified
from ldct_bmd.reporting.keys import SignatureCheck, check_signature, load_key, load_public_key
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import write_deidentified
from ldct_bmd.reporting.page.compose import compose
from ldct_bmd.reporting.signed import refuse_changed
from ldct_bmd.reporting.tables import patient_csv
from ldct_bmd.words import told


@pytest.fixture(scope="module")
def record() -> Examination:
    return examined()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("keys")
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)
    return folder / "key.pem", folder / "public.pem"


def test_a_signed_record_survives_the_file_and_is_intact(record: Examination) -> None:
    signed = sign(record, READER, TIME, "Hospital")
    again = Examination.from_json(signed.to_json())
    assert again == signed
    assert is_intact(again)
    assert again.history[-1].what == "signed"


def test_a_signed_record_takes_no_correction_until_it_is_unsigned_which_is_kept(record: Examination) -> None:
    signed = sign(record, READER, TIME)
    with pytest.raises(UsageError, match="take the signature off first"):
        exclude_level(signed, "L1", "cyst", READER, TIME)
    opened = unsign(signed, "Dr. Second", TIME)
    assert [(entry.what, entry.reader) for entry in opened.history] == [("signed", READER), ("unsigned", "Dr. Second")]
    assert opened.history[-1].old["record_sha256"] == signed.signature.record_sha256
    assert exclude_level(opened, "L1", "cyst", READER, TIME).measurement("L1").excluded is not None


def test_a_record_is_not_signed_twice_nor_by_nobody(record: Examination) -> None:
    with pytest.raises(UsageError, match="signed already"):
        sign(sign(record, READER, TIME), READER, TIME)
    for name in ("", "  "):
        with pytest.raises(UsageError, match="name"):
            sign(record, name, TIME)
    with pytest.raises(UsageError, match="not signed"):
        unsign(record, READER, TIME)


def every_value(values: object, path: tuple = ()):
    """Every number, text and truth value in plain JSON, by its path."""
    if isinstance(values, dict):
        for key, item in values.items():
            yield from every_value(item, (*path, key))
    elif isinstance(values, list):
        for place, item in enumerate(values):
            yield from every_value(item, (*path, place))
    elif values is not None:
        yield path, values


def changed(values: dict, path: tuple, value: object) -> dict:
    values = json.loads(json.dumps(values))
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = not value if isinstance(value, bool) else value + 1 if not isinstance(value, str) else value + "x"
    return values


def without(values: dict, path: tuple) -> dict:
    """The record without one value: null in an object, gone in a list."""
    values = json.loads(json.dumps(values))
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    if isinstance(inner, list):
        del inner[path[-1]]
    else:
        inner[path[-1]] = None
    return values


def full_record(record: Examination) -> Examination:
    """A record that says all that one can: corrected, with every time and name."""
    chosen = CalibrationChoice(
        record.calibration.identifier, True, False, told("it is the latest"), (told("It drifts."),), ("2024-02",)
    )
    passed = replace(record.scan.source, file_name="ct.nii.gz", passed_over=("IM_3",), accession_number="A-1")
    source = conclude(
        replace(
            record,
            scan=replace(record.scan, source=passed),
            calibration_choice=chosen,
            files=(FileReference("vertebrae.nii.gz", "ab" * 32),),
            measured_at=TIME,
            comment="Seen.",
        )
    )
    return confirm_names(exclude_level(source, "L2", "cyst", READER, TIME), READER, TIME)


def by_javascript(values: object) -> object:
    """What JSON.stringify(JSON.parse(text)) makes of a record: one kind of number, no sign of zero."""
    if isinstance(values, dict):
        return {key: by_javascript(item) for key, item in values.items()}
    if isinstance(values, list):
        return [by_javascript(item) for item in values]
    return int(values) if isinstance(values, float) and values.is_integer() else values


def test_a_signed_record_that_another_program_wrote_again_is_as_it_was_signed(
    record: Examination, keys: tuple[Path, Path]
) -> None:
    moved = HistoryEntry(
        "moved", "L1", {"center_lps_mm": [3.0, -0.0, 1e-7]}, {"center_lps_mm": [4.0, 0.25, -7.0]}, "R", TIME
    )
    geometry = replace(record.scan.geometry, origin_lps_mm=(-0.0, 12.0, -3.5))
    before = replace(record, history=(moved,), scan=replace(record.scan, geometry=geometry))
    signed = sign(before, READER, TIME, key=load_key(keys[0]))
    assert replace(signed, history=(), signature=None).measurements == before.measurements
    text = json.dumps(by_javascript(json.loads(signed.to_json())), separators=(",", ":"), ensure_ascii=False)
    assert '"old":{"center_lps_mm":[3,0,1e-07]}' in text
    again = Examination.from_json(text)
    assert again == signed
    assert check_signature(again, load_public_key(keys[1])) is SignatureCheck.KEY_TRUSTED
    other = Examination.from_json(text.replace("0.25", "0.26"))
    assert check_signature(other, load_public_key(keys[1])) is SignatureCheck.CHANGED


def test_a_change_of_any_value_of_a_signed_record_is_noticed(record: Examination, keys: tuple[Path, Path]) -> None:
    signed = sign(full_record(record), READER, TIME, "Hospital", load_key(keys[0]))
    plain = json.loads(signed.to_json())
    assert check_signature(Examination.from_json(json.dumps(plain))) is SignatureCheck.KEY_VALID
    for name in ("calibration_choice", "automatic", "files", "measured_at", "voxels_sha256", "height_losses"):
        assert plain[name], name
    tried = 0
    for path, value in every_value(plain):
        for other in (changed(plain, path, value), without(plain, path)):
            tried += 1
            try:
                tampered = Examination.from_json(json.dumps(other))
            except UsageError:
                continue  # no record any more, which is noticed too
            assert check_signature(tampered) is SignatureCheck.CHANGED, path
            with pytest.raises(UsageError, match="changed after"):
                refuse_changed(tampered)
    assert tried > 900


def test_nothing_can_be_added_to_a_signed_record(record: Examination) -> None:
    plain = json.loads(sign(record, READER, TIME).to_json())
    added = {
        "comment": "All is well.",
        "measured_at": TIME,
        "history": [*plain["history"], plain["history"][-1]],
        "findings": [*plain["findings"], plain["findings"][-1]],
        "files": [{"name": "vertebrae.nii.gz", "sha256": "ab" * 32}],
        "timing_s": {**plain["timing_s"], "more": 1.0},
    }
    for name, value in added.items():
        assert not is_intact(Examination.from_json(json.dumps({**plain, name: value}))), name


def test_a_key_that_comes_twice_is_refused(record: Examination) -> None:
    text = sign(record, READER, TIME).to_json()
    twice = text.replace('"category":', '"category": "normal",\n    "category":', 1)
    assert json.loads(twice) == json.loads(text)  # what one reader sees, another does not
    with pytest.raises(UsageError, match="has the key category twice"):
        Examination.from_json(twice)


def test_a_signed_record_is_written_as_it_was_signed(record: Examination) -> None:
    signed = sign(full_record(record), READER, TIME)
    assert with_mask_files(signed, (FileReference("vertebrae.nii.gz", "cd" * 32),)) == signed
    assert with_mask_files(record, signed.files).files == signed.files


def test_a_signature_that_was_cut_off_is_told(record: Examination) -> None:
    cut = replace(sign(record, READER, TIME), signature=None)
    state = compose(cut).state
    assert (state.kind, state.headline) == ("corrected", "SIGNATURE MISSING")
    assert f"says that {READER} signed the record" in state.detail
    assert ',"signature missing",' in patient_csv(cut)
    assert compose(unsign(sign(record, READER, TIME), READER, TIME)).state.headline == "CORRECTED, NOT SIGNED"
    assert compose(deidentified(sign(record, READER, TIME))).state.headline != "SIGNATURE MISSING"  # has none by rule


def test_no_copy_calls_a_record_signed_whose_signature_was_cut_off(record: Examination, tmp_path: Path) -> None:
    write_deidentified(tmp_path / "one", sign(record, READER, TIME), wanted=[Output.RECORD])
    with pytest.raises(UsageError, match="carries no signature"):
        write_deidentified(
            tmp_path / "two", replace(sign(record, READER, TIME), signature=None), wanted=[Output.RECORD]
        )
    assert not (tmp_path / "two").exists()


def test_a_report_says_unless_the_key_was_compared_with_the_sites(record: Examination, keys: tuple[Path, Path]) -> None:
    signed = sign(record, READER, TIME, key=load_key(keys[0]))
    unsaid = "The key that signed it was not compared with your site's."
    assert unsaid in compose(signed).state.detail
    assert unsaid not in compose(signed, key_compared=True).state.detail
    assert unsaid not in compose(sign(record, READER, TIME)).state.detail


def test_a_field_that_a_later_version_adds_with_an_empty_default_breaks_no_signature(record: Examination) -> None:
    plain = json.loads(record.to_json())
    for name in ("automatic", "calibration_choice", "signature", "measured_at"):
        del plain[name]
    assert record_sha256(Examination.from_json(json.dumps(plain))) == record_sha256(record)


def test_a_recomputed_hash_deceives_only_where_there_is_no_key(record: Examination, keys: tuple[Path, Path]) -> None:
    key, public = load_key(keys[0]), load_public_key(keys[1])
    for site_key, expected in ((None, SignatureCheck.INTACT), (key, SignatureCheck.CHANGED)):
        signed = sign(record, READER, TIME, key=site_key)
        forged = replace(signed, assessment=replace(signed.assessment, category="normal"))
        forged = replace(forged, signature=replace(forged.signature, record_sha256=record_sha256(forged)))
        assert check_signature(forged) is expected
    assert check_signature(sign(record, READER, TIME, key=key), public) is SignatureCheck.KEY_TRUSTED


def test_another_key_or_none_is_not_the_sites(record: Examination, keys: tuple[Path, Path]) -> None:
    public = load_public_key(keys[1])
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    signed = sign(record, READER, TIME, key=load_key(keys[0]))
    assert check_signature(signed, stranger) is SignatureCheck.KEY_FOREIGN
    assert check_signature(sign(record, READER, TIME), public) is SignatureCheck.KEY_FOREIGN
    assert check_signature(record, public) is SignatureCheck.UNSIGNED


def test_the_keys_signature_can_be_moved_to_no_other_record(record: Examination, keys: tuple[Path, Path]) -> None:
    signed = sign(record, READER, TIME, key=load_key(keys[0]))
    other = sign(exclude_level(record, "L1", "cyst", READER, TIME), READER, TIME)
    moved = replace(other, signature=replace(other.signature, key=signed.signature.key))
    assert check_signature(moved) is SignatureCheck.CHANGED


def test_a_file_that_is_no_key_is_refused_with_a_sentence(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    (tmp_path / "bad.pem").write_text("not a key")
    for path in (tmp_path / "bad.pem", tmp_path / "none.pem", keys[1]):
        with pytest.raises(UsageError, match=path.name):
            load_key(path)
    with pytest.raises(UsageError, match="public key"):
        load_public_key(tmp_path / "bad.pem")
