"""Put the address of the repository into every file that names it.

    python Tools/address.py https://github.com/OWNER/SlicerLDCTBoneDensity

Slicer's extension index reads addresses from CMakeLists.txt as they are written, without CMake's variables, so they
can't stand in one place; the one that counts is ``Repository`` in pyproject.toml. A test compares the others with it.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BRANCH = "main"
FILES = (
    "pyproject.toml",
    "Lab/pyproject.toml",
    "CMakeLists.txt",
    "LDCTBoneDensity.json",
    "extension.s4ext",
    "CITATION.cff",
    "CHANGELOG.md",
)
_REPOSITORY = re.compile(r'^Repository = "(https://[^"]+)"$', re.MULTILINE)


def repository() -> str:
    """Return the address of the repository, without a slash at its end."""
    found = _REPOSITORY.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError("pyproject.toml names no Repository")
    return found[1]


def raw(address: str) -> str:
    """Return where GitHub serves the files of the branch themselves."""
    return address.replace("https://github.com/", "https://raw.githubusercontent.com/") + f"/{BRANCH}/"


def change(new: str) -> list[str]:
    """Put ``new`` in place of the repository's address; return the files that changed."""
    old, changed = repository(), []
    for name in FILES:
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = before.replace(raw(old), raw(new)).replace(old, new)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(name)
    return changed


def main() -> None:
    """Take the address from the command line."""
    if len(sys.argv) != 2 or not re.fullmatch(r"https://github\.com/[\w.-]+/Slicer[\w.-]+", sys.argv[1]):
        sys.exit("Give one address: https://github.com/OWNER/SlicerLDCTBoneDensity (the name must begin with Slicer).")
    print("\n".join(change(sys.argv[1])) or "It is that address already.")


if __name__ == "__main__":
    main()
