"""Signing: what it locks, what it detects, with and without a key."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from helpers_record import READER, TIME, examined
from ldct_bmd.corrections import confirm_names, exclude_level
from ldct_bmd.examination import Examination, is_intact, record_sha256, sign, unsign
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.keys import SignatureCheck, check_signature, load_key, load_public_key


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


# What belongs to the run and not to the measurement, and what follows from the rest.
FREE = {"schema", "timing_s", "measured_at"}
FREE_IN_SOURCE = {"file_name", "choice", "other_series"}


def test_a_change_of_any_signed_value_is_detected(record: Examination) -> None:
    plain = json.loads(sign(confirm_names(record, READER, TIME), READER, TIME, "Hospital").to_json())
    tried = 0
    for path, value in every_value(plain):
        if path[0] in FREE or (path[:2] == ("scan", "source") and path[2] in FREE_IN_SOURCE) or path[-1] == "severity":
            continue
        if path[0] == "findings" and plain["findings"][path[1]]["code"] == "other_series":
            continue
        try:
            tampered = Examination.from_json(json.dumps(changed(plain, path, value)))
        except (UsageError, ValueError):
            continue  # no record any more, which is detected too
        tried += 1
        assert not is_intact(tampered), path
    assert tried > 300


def test_running_times_and_file_names_do_not_break_a_signature(record: Examination) -> None:
    signed = sign(record, READER, TIME)
    source = replace(signed.scan.source, file_name="x.nii")
    moved = replace(signed, timing_s={"read": 9.0}, measured_at=None, scan=replace(signed.scan, source=source))
    assert is_intact(moved)


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
