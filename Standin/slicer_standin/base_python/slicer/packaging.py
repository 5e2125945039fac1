"""A small subset of Slicer's `Base/Python/slicer/packaging.py`, written anew.

Checks, asks and hands on to `pip_install` as the original does; `pip_install` itself refuses. A test that is about
installing puts its own function in its place, which works for the original too.
"""

from __future__ import annotations

import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from packaging.requirements import InvalidRequirement, Requirement
from slicer.i18n import tr as _

Requirements = str | Requirement | list[str | Requirement]


def load_requirements(path: str | Path) -> list[Requirement]:
    """The requirements of a file; comments and pip's options are passed over."""
    lines = (line.strip() for line in Path(path).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def _to_requirements(requirements: Requirements) -> list[Requirement]:
    if isinstance(requirements, Requirement):
        return [requirements]
    if isinstance(requirements, list):
        return [r if isinstance(r, Requirement) else Requirement(r) for r in requirements]
    if not isinstance(requirements, str):
        raise TypeError(f"Expected str, Requirement, or list, got {type(requirements).__name__}")
    try:
        return [Requirement(requirements)]
    except InvalidRequirement:
        return [Requirement(part) for part in requirements.split()]


def pip_check(req: Requirements) -> bool:
    """Whether all are installed in a fitting version. Extras are not looked into."""
    for requirement in _to_requirements(req):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            if version(requirement.name) not in requirement.specifier:
                return False
        except PackageNotFoundError:
            return False
    return True


def pip_ensure(
    requirements: Requirements,
    constraints: str | Path | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str] | None:
    """Install what is missing, after asking once. Raises RuntimeError where the user declines."""
    missing = [r for r in _to_requirements(requirements) if not pip_check(r)]
    if not missing:
        return None
    if skip_in_testing and slicer.app.testingEnabled():
        logging.info("Testing mode is enabled: skipping pip_ensure")
        return None
    if prompt_install:
        title = _("{requester} - Install Python Packages").format(requester=requester or "Slicer")
        message = _("{count} Python packages need to be installed. Continue?").format(count=len(missing))
        details = "\n".join(f"- {r}" for r in missing)
        if not slicer.util.confirmOkCancelDisplay(message, title, detailedText=details):
            raise RuntimeError("User declined package installation")
    return pip_install(
        [str(r) for r in missing],
        constraints=constraints,
        skip_packages=skip_packages,
        blocking=True,
        show_progress=show_progress,
        requester=requester,
    )


def pip_install(requirements: str | list[str], **kwargs: Any) -> list[str] | None:
    """Refuses: nothing is installed from here."""
    raise NotImplementedError(f"the stand-in installs nothing (asked for {requirements})")


def pip_uninstall(requirements: str | list[str], **kwargs: Any) -> None:
    """Refuses: nothing is removed from here."""
    raise NotImplementedError(f"the stand-in removes nothing (asked for {requirements})")


def isPipInstallInProgress() -> bool:
    return False
