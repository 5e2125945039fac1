"""The command, and what the browser that it opens is given: no secret that others on this machine can read."""

import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

import pytest

from helpers_browser import idle
from helpers_web import READER, Page, command
from ldct_bmd_web.session import Served

# Stands in the place of a browser: notes its command line.
NOTES = """import sys, pathlib
noted = pathlib.Path(sys.argv[1])
part = noted.with_suffix(".part")
part.write_text(sys.argv[2])
part.replace(noted)
"""


@pytest.fixture
def browser_that_notes(tmp_path: Path) -> tuple[str, Path]:
    """What BROWSER is set to, and where what it was started with is noted."""
    script, noted = tmp_path / "browser.py", tmp_path / "noted"
    script.write_text(NOTES, encoding="utf-8")
    return f"{sys.executable} {script} {noted} %s", noted


def wait_for(path: Path, there: bool = True) -> None:
    deadline = time.monotonic() + 100
    while path.exists() is not there:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_browser_is_given_a_file_that_only_this_user_reads_and_that_goes_when_it_came_in(
    served: Served, browser_that_notes: tuple[str, Path], tmp_path: Path, page_of: Callable[..., Any]
) -> None:
    browser, noted = browser_that_notes
    home = tmp_path / "home"
    home.mkdir()
    with command(
        served.path, "--input", served.scan, "--reader", READER, BROWSER=browser, HOME=str(home), USERPROFILE=str(home)
    ) as started:
        wait_for(noted)
        given = noted.read_text(encoding="utf-8")
        token = started.address.partition("token=")[2]
        assert token
        assert token not in given
        file = Path(url2pathname(unquote(urlparse(given).path)))
        assert home in file.parents
        assert token in file.read_text(encoding="utf-8")
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        page = page_of(given)
        assert page.url == started.address.partition("?")[0]
        page.reload()
        page.wait_for_selector("#sagittal svg[data-index]")
        idle(page)
        wait_for(file, there=False)
        assert not list(home.glob("ldct*"))
        # The address that was printed to the terminal still lets another browser in.
        assert Page(started.address).load()["case"]


@pytest.mark.parametrize("home", ["missing", "a_file"])
def test_without_a_home_folder_the_file_lies_where_temporary_ones_do(
    served: Served, browser_that_notes: tuple[str, Path], tmp_path: Path, home: str
) -> None:
    browser, noted = browser_that_notes
    (tmp_path / "a_file").touch()
    place = str(tmp_path / home)
    with command(
        served.path, "--input", served.scan, "--reader", READER, BROWSER=browser, HOME=place, USERPROFILE=place
    ) as started:
        wait_for(noted)
        file = Path(url2pathname(unquote(urlparse(noted.read_text(encoding="utf-8")).path)))
        assert started.address.partition("token=")[2] in file.read_text(encoding="utf-8")
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert Page(started.address).load()["case"]
        wait_for(file, there=False)


def test_a_file_that_nobody_opened_goes_with_the_server(
    served: Served, browser_that_notes: tuple[str, Path], tmp_path: Path
) -> None:
    browser, noted = browser_that_notes
    with command(served.path, "--input", served.scan, BROWSER=browser, HOME=str(tmp_path)) as started:
        wait_for(noted)
        (folder,) = tmp_path.glob("ldct-bmd-review-*")
        started.process.terminate()
        assert started.process.wait(100) == 0
    assert not folder.exists()
