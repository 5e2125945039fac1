"""What the engine needs beyond what Slicer ships, and how it gets there: asked for once, never at import."""

from __future__ import annotations

import importlib
import importlib.metadata
import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError

import slicer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.words import text

_FOLDER_KEY = "LDCTBoneDensity/PackagesFolder"


@dataclass(frozen=True)
class Package:
    """A package as pip knows it, and about how many megabytes it takes on disk with what it needs itself."""

    requirement: Requirement
    megabytes: int


class Installer:
    """Finds and installs what is missing for one task; what is installed already, by Slicer or another, stays as it is.

    Args:
        requirements: the requirements file, with the megabytes of each package as a comment.
        purpose: begins the question, "To measure".
    """

    def __init__(self, requirements: Path, purpose: str = "") -> None:
        self._requirements = requirements
        self._purpose = purpose or text("install.measure")

    def forReports(self) -> Installer:
        """Return what installs for reports; a review that was loaded needs no network."""
        return Installer(self._requirements.with_name("requirements-report.txt"), text("install.report"))

    def forFhir(self) -> Installer:
        """Return what installs for a report as FHIR."""
        return Installer(self._requirements.with_name("requirements-fhir.txt"), text("install.fhir"))

    def forPacs(self) -> Installer:
        """Return what installs for sending to a PACS."""
        return Installer(self._requirements.with_name("requirements-pacs.txt"), text("install.pacs"))

    @property
    def folder(self) -> str:
        """A folder of wheels to install from, of this machine's settings; "" to ask the network."""
        return str(slicer.app.userSettings().value(_FOLDER_KEY) or "")

    def setFolder(self, folder: str) -> None:
        """Keep another folder."""
        slicer.app.userSettings().setValue(_FOLDER_KEY, folder.strip())

    def packages(self) -> list[Package]:
        """Return all that the task needs and Slicer does not ship."""
        lines = self._requirements.read_text(encoding="utf-8").splitlines()
        parts = [line.split("#") for line in lines if line.strip()]
        return [Package(Requirement(requirement.strip()), int(megabytes)) for requirement, megabytes in parts]

    def missing(self) -> list[Package]:
        """Return what is not installed, or in another version than the engine needs."""
        try:
            from slicer.packaging import pip_check
        except ImportError:  # a Slicer that is too old to measure in
            return []
        return [package for package in self.packages() if not pip_check(package.requirement)]

    def sentence(self) -> str:
        """Say what the first measurement will install, "" if nothing."""
        missing = self.missing()
        if not missing:
            return ""
        return text("install.first", names=_names(missing), size=sum(package.megabytes for package in missing))

    def ensure(self) -> None:
        """Install what is missing, after asking; UsageError where the user declines or it fails."""
        missing = self.missing()
        if not missing:
            return
        question = text(
            "install.question",
            purpose=self._purpose,
            list="\n".join(f"{package.requirement}  (about {package.megabytes} MB)" for package in missing),
            size=sum(package.megabytes for package in missing),
        )
        if not slicer.util.confirmOkCancelDisplay(question, text("install.title")):
            raise UsageError("install.declined")
        self._install([str(package.requirement) for package in missing], {p.requirement.name for p in missing})
        importlib.invalidate_caches()
        left = self.missing()
        if left:
            raise UsageError("install.left", names=_names(left))

    def _install(self, requirements: list[str], names: set[str]) -> None:
        from slicer.packaging import pip_install

        folder = self.folder
        if folder and not Path(folder).is_dir():
            raise UsageError("install.no_folder", folder=folder)
        source = ["--no-index", "--find-links", folder] if folder else []
        with tempfile.TemporaryDirectory(prefix="ldct-bmd-") as place:
            constraints = Path(place) / "constraints.txt"
            constraints.write_text("".join(f"{line}\n" for line in _frozen(names)), encoding="utf-8")
            try:
                pip_install([*source, *requirements], constraints=constraints, requester="LDCT Bone Density")
            except (RuntimeError, OSError, CalledProcessError) as error:
                raise UsageError("install.failed", error=str(error)) from error


def _names(packages: list[Package]) -> list[str]:
    return [package.requirement.name for package in packages]


def _frozen(but: set[str]) -> list[str]:
    """Return what is installed, each in its version, so that pip replaces none of it."""
    free = {canonicalize_name(name) for name in but}
    names = {canonicalize_name(name) for one in importlib.metadata.distributions() if (name := one.metadata["Name"])}
    versions = ((name, importlib.metadata.version(name)) for name in sorted(names - free))
    return [f"{name}=={version}" for name, version in versions if _isValid(version)]


def _isValid(version: str) -> bool:
    try:
        Version(version)
    except InvalidVersion:
        return False
    return True
