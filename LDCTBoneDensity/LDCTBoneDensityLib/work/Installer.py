"""What the engine needs beyond what Slicer ships, and how it gets there: asked for once, never at import."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError

import slicer

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.words import text

TORCH = "torch>=2.6"
TORCH_MEGABYTES = 750  # the build for the processor alone


@dataclass(frozen=True)
class Package:
    """A package: what pip calls it, what Python imports, and about how many megabytes it takes on disk."""

    requirement: str
    module: str
    megabytes: int


class Installer:
    """Finds and installs what is missing for one task.

    Args:
        requirements: the requirements file, all but PyTorch.
        needsTorch: whether the task runs the network.
        purpose: begins the question, "To measure".
    """

    def __init__(self, requirements: Path, needsTorch: bool = True, purpose: str = "") -> None:
        self._requirements = requirements
        self._needsTorch = needsTorch
        self._purpose = purpose or text("install.measure")

    def forReports(self) -> Installer:
        """Return what installs for reports; a review that was loaded needs no network."""
        return Installer(self._requirements.with_name("requirements-report.txt"), False, text("install.report"))

    def forPacs(self) -> Installer:
        """Return what installs for sending to a PACS."""
        return Installer(self._requirements.with_name("requirements-pacs.txt"), False, text("install.pacs"))

    def packages(self) -> list[Package]:
        """Return all that the engine needs and Slicer does not ship; a line's comment says module and megabytes."""
        lines = [line.split("#", 1) for line in self._requirements.read_text(encoding="utf-8").splitlines()]
        found = [Package(TORCH, "torch", TORCH_MEGABYTES)] if self._needsTorch else []
        for requirement, *comment in lines:
            if requirement.strip():
                module, megabytes = comment[0].split()[:2]
                found.append(Package(requirement.strip(), module, int(megabytes)))
        return found

    def missing(self) -> list[Package]:
        """Return what is not installed."""
        return [package for package in self.packages() if importlib.util.find_spec(package.module) is None]

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
        if any(package.module == "torch" for package in missing):
            question += "\n" + text("install.graphics_card")
        if not slicer.util.confirmOkCancelDisplay(question, text("install.title")):
            raise UsageError("install.declined")
        for package in missing:
            if package.module == "torch":
                _installTorch()
        others = [package.requirement for package in missing if package.module != "torch"]
        if others:
            _install(others)
        importlib.invalidate_caches()
        left = self.missing()
        if left:
            raise UsageError("install.left", names=_names(left))


def _names(packages: list[Package]) -> list[str]:
    return [package.requirement.split(">=")[0] for package in packages]


def _installTorch() -> None:
    """Let the PyTorch extension choose the build that fits the machine."""
    try:
        import PyTorchUtils
    except ImportError as error:
        raise UsageError("install.no_extension") from error
    torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(
        askConfirmation=False, torchVersionRequirement=TORCH.removeprefix("torch")
    )
    if torch is None:
        raise UsageError("install.torch")


def _install(requirements: list[str]) -> None:
    try:
        try:
            from slicer.packaging import pip_ensure
        except ImportError:  # Slicer 5.10
            slicer.util.pip_install(requirements)
        else:
            pip_ensure(requirements, prompt_install=False, requester="LDCT Bone Density")
    except (RuntimeError, OSError, CalledProcessError) as error:
        raise UsageError("install.failed", error=str(error)) from error
