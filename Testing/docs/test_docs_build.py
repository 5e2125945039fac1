"""The documentation builds without a warning: no dead link, no dead anchor, no page that no menu shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from places import DOCS, ROOT

pytest.importorskip("mkdocs", reason="the documentation's tools ask for Python 3.11")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_and_every_made_page_is_in_the_site(site: Path) -> None:
    from docs_pages import PAGES, PICTURES

    written = {path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md")}
    made = {name.removesuffix(".md") + ".html" for name in PAGES}
    for name in {*written, *made, *PICTURES}:
        assert (site / name).stat().st_size > 500, name


def test_nothing_is_loaded_from_elsewhere_and_no_private_path_is_told(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        for start in ('src="http', "@import url(http", 'rel="preconnect"'):
            assert start not in page, path.name
        assert str(ROOT) not in page, path.name
        assert "/shared/" not in page, path.name


def test_the_pages_show_the_pictures_of_the_project(site: Path) -> None:
    page = (site / "tutorial" / "slicer.html").read_text(encoding="utf-8")
    assert '"../pictures/panel-measured.png"' in page
    assert (site / "pictures" / "panel-measured.png").read_bytes() == (
        ROOT / "Resources" / "panel-measured.png"
    ).read_bytes()
