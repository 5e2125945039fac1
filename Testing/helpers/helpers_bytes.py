"""Every byte of a file, unpacked wherever it is packed."""

import base64
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pypdf

BIRTH_DATE = "19530917"
BIRTH_DATE_SPELLINGS = (
    *("19530917", "1953-09-17", "1953/09/17", "1953.09.17", "1953, 9, 17"),
    *("17.09.1953", "17.9.1953", "17/09/1953", "09/17/1953", "9/17/1953"),
    *("17 Sep 1953", "Sep 17, 1953", "September 17, 1953", "1953年9月17日", "1953年09月17日"),
)


def told_in(folder: Path, *words: str, of_patient_module: bool = True) -> list[tuple[str, str]]:
    """Which of ``words`` stand in the files below ``folder``, each with the name of its file.

    ``of_patient_module``: also what DICOM objects hold in the patient module of the study that they belong to.
    """
    found = []
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        if path.suffix == ".dcm" and not of_patient_module:
            content = _without_birth_date(content)
        whole = b"\n".join(layers(content))
        spelt = {word: (word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be")) for word in words}
        found += [(path.name, word) for word, forms in spelt.items() if any(form in whole for form in forms)]
    return found


def layers(content: bytes) -> Iterator[bytes]:
    """What a file holds: its bytes, and those of everything packed into them."""
    yield content
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from layers(archive.read(name))
    elif content[:2] == b"\x1f\x8b":
        yield from layers(gzip.decompress(content))
    elif content[:4] == b"NRRD" and b"\n\n" in content:
        yield from layers(content.partition(b"\n\n")[2])
    elif content[:4] == b"%PDF":
        yield from _pdf(content)
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _streams(content)
    elif content[128:132] == b"DICM":
        dataset = pydicom.dcmread(io.BytesIO(content))
        yield str(dataset).encode()
        if "EncapsulatedDocument" in dataset:
            yield from layers(bytes(dataset.EncapsulatedDocument))
    for packed in re.findall(rb"base64,([A-Za-z0-9+/=]+)", content):
        yield from layers(base64.b64decode(packed))


def _pdf(content: bytes) -> Iterator[bytes]:
    document = pypdf.PdfReader(io.BytesIO(content))
    yield str(document.metadata).encode()
    for page in document.pages:
        yield page.extract_text().encode()
    for number in document.xref.get(0, {}):
        made = document.get_object(number)
        if isinstance(made, pypdf.generic.StreamObject):
            yield made.get_data()


def _streams(content: bytes) -> Iterator[bytes]:
    """The compressed text chunks of a picture."""
    for chunk in re.findall(rb"(?:zTXt|iTXt)[^\0]*\0[\0\1]?(.*?)IEND", content, re.DOTALL):
        try:
            yield zlib.decompress(chunk)
        except zlib.error:
            yield chunk


def _without_birth_date(content: bytes) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    del dataset.PatientBirthDate
    written = io.BytesIO()
    dataset.save_as(written)
    return written.getvalue()
