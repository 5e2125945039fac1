"""An archive as input: its studies are found by QIDO-RS, and their CT images fetched by WADO-RS.

An address holds UIDs, dates and kinds, nothing else: servers and proxies log addresses.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pydicom

from ..ground.errors import OutOfReach, UsageError
from ..ground.scratch import temporary_folder
from ..ground.text import visible
from ..reporting.pacs.address import check_address
from ..reporting.pacs.credentials import find_credentials
from ..reporting.pacs.exchange import Reply, Server, Unanswered
from ..reporting.pacs.multipart import Malformed, boundary_of, parts_of
from ..scan.dicom_headers import DAMAGED
from .inputs import Found, InArchive, study_key

# What may be asked for: nothing of it names a person. All are of the study itself: Orthanc's DICOMweb loses studies of
# later pages if it is asked for anything that it has to look up elsewhere, ModalitiesInStudy among it.
QUERY_KEYS = ("StudyDate", "StudyTime", "StudyInstanceUID", "StudyDescription", "InstitutionName")
# Codes of what may pass by itself.
AWAY = frozenset(
    (
        *("archive.away", "archive.busy", "archive.incomplete", "pacs.unreachable"),
        *("pacs.busy", "pacs.unknown", "pacs.missing", "pacs.missing_after"),
    )
)
FETCH_AGAIN_S = (2.0, 8.0)
LARGEST_SERIES_BYTES = 8 << 30
MOST_STUDIES = 1_000_000  # in one list
_PAGE = 200
_JSON = {"Accept": "application/dicom+json"}
_DICOM = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
_STUDY, _SERIES, _PATIENT, _DATE, _MODALITY = "0020000D", "0020000E", "00100020", "00080020", "00080060"
_MODALITIES, _SERIES_OF_STUDY, _IMAGES_OF_STUDY, _IMAGES_OF_SERIES = "00080061", "00201206", "00201208", "00201209"
_CT = "CT"
_PREAMBLE = 128


@dataclass(frozen=True)
class Listed:
    """A study that an archive lists.

    Attributes:
        content: how many series and images it says that there are; changes when more come.
    """

    study: str
    patient: str
    date: str
    content: str


@dataclass(frozen=True)
class _Series:
    uid: str
    images: int | None


class Archive:
    """A DICOMweb archive, asked for studies and images.

    Args:
        address: of its DICOMweb service.
        authority: certificates to trust, in PEM.

    Raises:
        UsageError: the address is not safe, or credentials are incomplete.
    """

    def __init__(self, address: str, authority: Path | None = None) -> None:
        self.address, self.authority = address.rstrip("/"), authority
        self.host = check_address(address)
        credentials = find_credentials(self.address)
        self._server = Server(self.address, self.host, credentials, authority)
        self._above = Server(self.address.rpartition("/")[0], self.host, credentials, authority)

    def close(self) -> None:
        """Hang up."""
        self._server.close()
        self._above.close()

    def ask(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """Return what the archive answers in JSON; None if that is nothing.

        Raises:
            UsageError: it cannot be reached or asked; a code of :data:`AWAY` if it may answer later.
        """
        return self._answered(self._server, path, query)

    def ask_above(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """Ask for what lies next to the DICOMweb service, see :meth:`ask`; None if there is no such thing."""
        return self._answered(self._above, path, query, absent_ok=True)

    def _answered(self, server: Server, path: str, query: Sequence[tuple[str, str]], absent_ok: bool = False) -> Any:
        try:
            reply = server.ask("GET", path + ("?" + urlencode(query, quote_via=quote) if query else ""), _JSON)
        except Unanswered as error:
            raise OutOfReach("archive.away", problem=error.problem) from error
        if reply.status == 204 or (absent_ok and reply.status == 404):
            return None
        if reply.status != 200:
            raise _refused(reply, self.host)
        try:
            return json.loads(reply.body.decode("utf-8-sig") or "null")
        except (ValueError, RecursionError) as error:
            raise OutOfReach("archive.no_list", host=self.host, status=reply.status) from error

    def listed(self, query: Sequence[tuple[str, str]]) -> Iterator[Listed]:
        """Yield the studies with CT images that the archive lists, each once.

        Raises:
            UsageError: it cannot be asked, or gives the first page of a list alone.
        """
        told: set[str] = set()
        while len(told) < MOST_STUDIES:
            page = self._page(query, len(told))
            new = {study: one for one in page if (study := _text(one, _STUDY)) not in told}
            if not new and len(page) == _PAGE:
                raise OutOfReach("archive.no_pages", host=self.host, n=_PAGE)
            if not new:
                return
            told |= new.keys()
            for study, one in new.items():
                if study and _CT in _texts(one, _MODALITIES, (_CT,)):
                    content = f"{_text(one, _SERIES_OF_STUDY)}/{_text(one, _IMAGES_OF_STUDY)}"
                    yield Listed(study, _text(one, _PATIENT), _text(one, _DATE), content)

    def _page(self, query: Sequence[tuple[str, str]], offset: int) -> list[Mapping[str, Any]]:
        fields = f"{_MODALITIES},{_SERIES_OF_STUDY},{_IMAGES_OF_STUDY}"
        return self._items(
            "/studies", [*query, ("includefield", fields), ("limit", str(_PAGE)), ("offset", str(offset))]
        )

    def found(self, listed: Listed) -> Found | None:
        """Return a study as something to measure; None if it holds no CT images."""
        series = self._series(listed.study)
        if not series:
            return None
        content = sorted((one.uid, one.images) for one in series)
        return Found(
            study_key(listed.study, listed.patient),
            f"{self.address}/studies/{listed.study}",
            sha256(repr(content).encode()).hexdigest(),
            patient=listed.patient or None,
            date=listed.date,
            archive=self.place(listed.study),
        )

    def place(self, study: str) -> InArchive:
        """Return where a study lies."""
        return InArchive(self.address, study, None if self.authority is None else str(self.authority.absolute()))

    def find(self, query: Sequence[tuple[str, str]]) -> Iterator[Found]:
        """Yield the CT studies that the archive lists."""
        for one in self.listed(query):
            found = self.found(one)
            if found is not None:
                yield found

    def fetch(self, study: str, folder: Path) -> list[Path]:
        """Fetch all CT images of a study, as they are stored, and return their files.

        Raises:
            UsageError: the archive is away, refuses them, gives fewer than it lists, or those of another series.
        """
        files: list[Path] = []
        for one in self._series(study):
            came = self._fetch_series(study, one, folder, len(files))
            if one.images is not None and len(came) < one.images:
                raise OutOfReach("archive.incomplete", host=self.host, came=len(came), wanted=one.images)
            files += came
        if not files:
            raise OutOfReach("archive.no_images", host=self.host)
        return files

    def _fetch_series(self, study: str, series: _Series, folder: Path, first: int) -> list[Path]:
        def take(content_type: str, pieces: Iterator[bytes]) -> list[Path]:
            files: list[Path] = []
            for content in parts_of(boundary_of(content_type), pieces):
                if content[_PREAMBLE : _PREAMBLE + 4] != b"DICM":
                    raise Malformed
                if not _is_of(content, study, series.uid):
                    raise OutOfReach("archive.other_images", host=self.host)
                files.append(folder / f"{first + len(files)}.dcm")
                files[-1].write_bytes(content)
            return files

        path = f"/studies/{quote(study, safe='')}/series/{quote(series.uid, safe='')}"
        try:
            came = self._server.stream(path, _DICOM, take, LARGEST_SERIES_BYTES)
        except Unanswered as error:
            raise OutOfReach("archive.away", problem=error.problem) from error
        except Malformed as error:
            raise OutOfReach("archive.no_images_given", host=self.host, status=200) from error
        except OSError as error:
            raise OutOfReach("file.not_written", place=folder, problem=error.strerror or str(error)) from error
        if isinstance(came, Reply):
            raise _refused(came, self.host, images=True)
        return came

    def _series(self, study: str) -> list[_Series]:
        """Return the CT series of a study: what this software sends back is of other modalities."""
        items = self._items(
            f"/studies/{quote(study, safe='')}/series", [("Modality", _CT), ("includefield", _IMAGES_OF_SERIES)]
        )
        series = {}
        for one in items:
            if _text(one, _MODALITY) == _CT and _text(one, _SERIES):
                images = _text(one, _IMAGES_OF_SERIES)
                series[_text(one, _SERIES)] = int(images) if images.isdecimal() else None
        return [_Series(uid, images) for uid, images in sorted(series.items())]

    def _items(self, path: str, query: Sequence[tuple[str, str]]) -> list[Mapping[str, Any]]:
        answer = self.ask(path, query)
        if answer is None:
            return []
        if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
            raise OutOfReach("archive.no_list", host=self.host, status=200)
        return answer


def read_query(pairs: Sequence[str]) -> list[tuple[str, str]]:
    """Return KEY=VALUE pairs as a query; UsageError for a key that might name a person, or that is none."""
    query = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not value or key not in QUERY_KEYS:
            raise UsageError("archive.query", query=visible(key, 40), known=QUERY_KEYS)
        query.append((key, value))
    return query


@contextmanager
def opened_archive(address: str, authority: Path | None = None) -> Iterator[Archive]:
    """Open an archive, and hang up with the block."""
    archive = Archive(address, authority)
    try:
        yield archive
    finally:
        archive.close()


@contextmanager
def fetched(place: InArchive) -> Iterator[tuple[str, ...]]:
    """Give the files of a study, in a temporary folder that ends with the block."""
    authority = None if place.authority is None else Path(place.authority)
    with opened_archive(place.address, authority) as archive, temporary_folder() as folder:
        yield tuple(map(str, _persistently(archive, place.study, folder)))


def _persistently(archive: Archive, study: str, folder: Path) -> list[Path]:
    for pause_s in FETCH_AGAIN_S:
        try:
            return archive.fetch(study, folder)
        except UsageError as error:
            if error.code not in AWAY:
                raise
            time.sleep(pause_s)
    return archive.fetch(study, folder)


def _refused(reply: Reply, host: str, images: bool = False) -> UsageError:
    """Return what an answer means that is neither a list nor images."""
    status = reply.status
    if status in (401, 403):
        return OutOfReach("archive.credentials", host=host, status=status)
    if status == 407:
        return OutOfReach("pacs.proxy", host=host, status=status)
    if status in (429, 500, 502, 503, 504):
        return OutOfReach("archive.busy", host=host, status=status)
    if 300 <= status < 400:
        return OutOfReach("archive.redirected", host=host, target=visible(reply.location, 100), status=status)
    if images:
        return OutOfReach("archive.no_images_given", host=host, status=status)
    return OutOfReach("archive.no_list", host=host, status=status)


def _is_of(content: bytes, study: str, series: str) -> bool:
    """Tell whether an image is of what was asked for; one that cannot be read is told of when the scan is read."""
    wanted = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
    try:
        header = pydicom.dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=list(wanted))
        return all(str(header.get(keyword) or uid) == uid for keyword, uid in wanted.items())
    except DAMAGED:
        return True


def _text(item: Mapping[str, Any], tag: str) -> str:
    """Return the first value of an attribute; empty if it has none."""
    return _texts(item, tag, ("",))[0]


def _texts(item: Mapping[str, Any], tag: str, default: Sequence[str]) -> Sequence[str]:
    """Return the values of an attribute as texts; ``default`` if it has none."""
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [str(value).strip() for value in values] if isinstance(values, list) and values else default
