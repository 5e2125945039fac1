"""What the checks of Slicer's extension index ask of the repository, as far as no network is needed.

After scripts/check_description_files.py of github.com/Slicer/ExtensionsIndex (August 2026), which reads CMakeLists.txt
by regular expressions: no CMake variable may stand in an address.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from places import ROOT

NAME = "LDCTBoneDensity"
REPOSITORY = f"Slicer{NAME}"
# Keys of slicer-extension-catalog-entry-schema-v1.0.1, which takes no others; the first three are required.
KEYS = {
    "$schema": str,
    "category": str,
    "scm_url": str,
    "scm_revision": str,
    "scm_type": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "enabled": bool,
    "tier": int,
}
LARGEST_MB = 100


@pytest.fixture(scope="module")
def entry() -> dict[str, Any]:
    return json.loads((ROOT / f"{NAME}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cmake() -> dict[str, str]:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return dict(re.findall(r'set\s*\(EXTENSION_(\w+)\s*"([^"]+)"[ ]*\)', text))


def test_the_entry_holds_what_its_schema_takes_and_no_more(entry: dict[str, Any]) -> None:
    assert {"$schema", "category", "scm_url"} <= set(entry) <= set(KEYS)
    for key, value in entry.items():
        assert type(value) is KEYS[key], key
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.1.json#")
    assert entry["category"] == "Quantification"  # one of those that the index accepts
    assert entry["tier"] == 1  # experimental; the index's maintainers raise it
    assert entry["build_dependencies"] == []
    assert b"\r" not in (ROOT / f"{NAME}.json").read_bytes()


def test_the_repository_is_called_after_the_extension_and_a_branch_is_followed(entry: dict[str, Any]) -> None:
    assert re.fullmatch(rf"https://github\.com/[\w.-]+/{REPOSITORY}", entry["scm_url"])
    assert not NAME.lower().startswith("slicer")
    assert entry["scm_revision"] == "main"


def test_the_project_is_called_like_its_entry() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.findall(r"project\s*\(\s*([^\s\)\n\r]+)", text)[0] == NAME


def test_cmake_says_all_that_the_index_reads(cmake: dict[str, str], entry: dict[str, Any]) -> None:
    assert set(cmake) == {"HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"}
    assert cmake["HOMEPAGE"] == entry["scm_url"]
    assert "research use" in cmake["DESCRIPTION"]
    assert cmake["DEPENDS"] == "NA"


def test_icon_and_screenshots_are_addresses_of_pictures_of_this_repository(
    cmake: dict[str, str], entry: dict[str, Any]
) -> None:
    start = entry["scm_url"].replace("github.com", "raw.githubusercontent.com") + f"/{entry['scm_revision']}/"
    addresses = [cmake["ICONURL"], *cmake["SCREENSHOTURLS"].split()]
    assert len(addresses) >= 2
    for address in addresses:
        assert address.startswith(start)
        assert (ROOT / address.removeprefix(start)).read_bytes().startswith(b"\x89PNG")


def test_the_icon_is_128_pixels_wide_and_has_its_parts_at_32(cmake: dict[str, str]) -> None:
    image = pytest.importorskip("PIL.Image")
    icon = image.open(ROOT / cmake["ICONURL"].partition("/main/")[2]).convert("RGBA")
    assert icon.size == (128, 128)
    small = icon.resize((32, 32), image.Resampling.LANCZOS).convert("RGB")
    ground, bone, voi = (small.getpixel(at) for at in ((3, 16), (10, 13), (16, 17)))
    bar = [small.getpixel((x, 27)) for x in (9, 13, 22)]
    for one, other in ((ground, bone), (bone, voi), (bar[0], bar[1]), (bar[1], bar[2]), (bar[0], bar[2])):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 90, (one, other)


def test_the_older_form_of_the_entry_says_the_same(cmake: dict[str, str], entry: dict[str, Any]) -> None:
    lines = (ROOT / "extension.s4ext").read_text(encoding="utf-8").splitlines()
    told = {key: value for key, _, value in (line.partition(" ") for line in lines) if key != "#"}
    for key, value in (
        ("scmurl", entry["scm_url"]),
        ("scmrevision", entry["scm_revision"]),
        ("category", entry["category"]),
        ("homepage", cmake["HOMEPAGE"]),
        ("contributors", cmake["CONTRIBUTORS"]),
        ("iconurl", cmake["ICONURL"]),
        ("screenshoturls", cmake["SCREENSHOTURLS"]),
        ("description", cmake["DESCRIPTION"]),
        ("depends", cmake["DEPENDS"]),
    ):
        assert told[key] == value


def test_a_licence_lies_in_the_root_and_the_repository_is_small() -> None:
    assert (ROOT / "LICENSE.txt").is_file()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert sum(path.stat().st_size for path in files if path.is_file()) < LARGEST_MB * 1e6 / 2


def test_the_homepage_tells_what_the_index_asks_of_one() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# LDCT Bone Density\n")
    assert "![" in text  # a picture
    assert "One module" in text  # a sentence for each module
    assert "10.1007/s00330-020-06679-y" in text  # the publication
    assert "Apache-2.0" in text


def test_one_address_stands_in_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import address

    here = address.repository()
    for name in address.FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8")
        assert here in text, name
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(address, "ROOT", tmp_path)
    new = f"https://github.com/somebody/{REPOSITORY}"
    assert address.change(new) == list(address.FILES)
    for name in address.FILES:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not [
            other
            for other in re.findall(r"https://[\w.]*github\w*\.com/([\w-]+)/Slicer\w+", text)
            if other != "somebody"
        ], name
    assert address.change(new) == []
