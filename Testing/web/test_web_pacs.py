"""``review --key --pacs`` from end to end: signed with the site's key, and in the archive, by both ways of sending."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from helpers_orthanc import PASSWORD, USER, Orthanc, orthanc_in
from helpers_web import READER, SECRET, Page, command, held, proxied
from ldct_bmd.reporting.keys import SignatureCheck, check_signature, load_public_key
from ldct_bmd_web.session import Served


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A real archive."""
    with orthanc_in(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The site's private and public key, made as the documentation says."""
    folder = tmp_path_factory.mktemp("keys")
    private, public = folder / "key.pem", folder / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True)
    subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)], check=True)
    return private, public


def variables(orthanc: Orthanc) -> dict[str, str]:
    """What the sender finds in its environment."""
    credentials = {"LDCT_BMD_PACS_USER": USER, "LDCT_BMD_PACS_PASSWORD": PASSWORD}
    return {**credentials, "REQUESTS_CA_BUNDLE": str(orthanc.certificate), "LDCT_BMD_PROXY_SECRET": SECRET}


def reports_in(orthanc: Orthanc, folder: Path) -> list[pydicom.Dataset]:
    """The structured reports in the archive."""
    found = []
    for name in orthanc.names("/instances"):
        path = folder / f"{name}.dcm"
        path.write_bytes(orthanc.ask(f"/instances/{name}/file"))
        found.append(pydicom.dcmread(path))
    return [one for one in found if one.Modality == "SR"]


def send(page: Page) -> dict[str, Any]:
    status, said = page.change("send")
    assert status == 200, said["refused"]
    return said


@pytest.mark.parametrize("way", ["web", "dimse"])
def test_a_signed_case_is_in_the_archive_and_its_signature_is_the_sites(
    served: Served, orthanc: Orthanc, keys: tuple[Path, Path], tmp_path: Path, way: str
) -> None:
    orthanc.empty()
    to = getattr(orthanc, way)
    options = ("--input", served.scan, "--key", keys[0], "--pacs", to, "--no-browser")
    with command(served.path, *options, "--reader", READER, **variables(orthanc)) as started:
        page = Page(started.address)
        assert page.load()["pacs"] is True
        page.do("exclude", level="T12", reason="cyst")
        assert page.change("sign")[0] == 200
        assert to in send(page)["note"]
    record = held(served.path)
    assert check_signature(record, load_public_key(keys[1])) is SignatureCheck.KEY_TRUSTED
    (report,) = reports_in(orthanc, tmp_path)
    assert report.VerificationFlag == "VERIFIED"
    assert "Reader" in str(report.VerifyingObserverSequence[0].VerifyingObserverName)


def test_behind_a_proxy_too_and_what_fails_is_told(
    served: Served, orthanc: Orthanc, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    orthanc.empty()
    options = ("--input", served.scan, "--key", keys[0], "--login-header", "X-Reader", "--no-browser")
    with command(served.path, *options, "--pacs", orthanc.web, **variables(orthanc)) as started:
        page = proxied(started.address, READER)
        page.load()
        assert page.change("sign")[0] == 200
        send(page)
        (report,) = reports_in(orthanc, tmp_path)
        assert report.VerificationFlag == "VERIFIED"
    elsewhere = orthanc.dimse.replace("ARCHIVE", "ELSEWHERE")
    with command(served.path, *options, "--pacs", elsewhere, **variables(orthanc)) as started:
        page = proxied(started.address, READER)
        page.load()
        status, said = page.change("send")
        assert status == 422
        assert "ELSEWHERE" in said["refused"] or "title" in said["refused"]
        assert said["case"]["signed"] is True
