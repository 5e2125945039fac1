"""Several readers: each has a process of its own, and what befalls one is nothing to the others."""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from helpers_web import LOGIN, READER, SECRET, command, environment, held, listening, proxied, serving
from ldct_bmd_web.launcher import Launcher
from ldct_bmd_web.session import Served

IDLE_S = 4.0  # longer than a busy machine takes between two requests


@pytest.fixture(autouse=True)
def _this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers' processes run the code under test."""
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])


def until(what: Callable[[], bool], seconds: float = 100.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_two_readers_never_have_one_result_open_and_an_idle_one_lets_go(served: Served) -> None:
    launcher = Launcher(served, None, replace(LOGIN, idle_s=IDLE_S))
    with listening(launcher) as address:
        one, other = proxied(address, "One"), proxied(address, "Other")
        assert one.load()["reader"] == "One"
        refused = threading.Event()

        def stay() -> None:
            while not refused.wait(0.2):
                one.load()

        staying = threading.Thread(target=stay)
        staying.start()
        status, said = other.post("state")
        refused.set()
        staying.join()
        assert status == 422
        assert "another session" in said["refused"]
        assert said["case"] is None
        until(lambda: other.post("state")[0] == 200)
        assert "One" not in launcher.processes(), "its memory is free again"
        assert other.state["reader"] == "Other"
        assert other.change("do", what="reader", reader="One")[0] == 422


def test_a_readers_crash_is_told_to_them_and_nothing_to_the_others(served_list: Callable[[int], Served]) -> None:
    launcher = Launcher(served_list(2), None, LOGIN)
    with listening(launcher) as address:
        one, other = proxied(address, "One"), proxied(address, "Other")
        one.load()
        other.load()
        assert [one["is_current"] for one in other.post("rows", {"shown": "all"})[1]] == [False, True]
        assert len(set(launcher.processes().values())) == 2
        one.do("comment", comment="before the crash")
        answers: list[int] = []
        looked = {"view": "axial", "index": 50, "window": "bone"}
        drag = {"level": "L1", "view": "axial", "right": 1.0, "down": 0.0}

        def look() -> None:
            for _ in range(40):
                answers.append(other.post("slice", looked)[0])
                answers.append(other.post("drag", {**drag, "at": {"axial": 1, "sagittal": 1, "coronal": 1}})[0])

        looking = threading.Thread(target=look)
        looking.start()
        until(lambda: len(answers) > 5)
        os.kill(launcher.processes()["One"], signal.SIGKILL)
        status, said = one.post("slice", looked)
        assert (status, "kept" in said["refused"]) == (500, True)
        assert one.load()["case"]["comment"] == "before the crash"
        assert "last session" in one.state["note"]
        looking.join()
        assert answers == [200] * 80
        other.do("comment", comment="not disturbed")


def test_who_comes_back_after_a_pause_finds_the_case_and_the_language_but_signs_nothing_unseen(
    served_list: Callable[[int], Served],
) -> None:
    served = served_list(3)
    launcher = Launcher(served, None, replace(LOGIN, idle_s=IDLE_S))
    with listening(launcher) as address:
        page = proxied(address, READER)
        page.load()
        page.do("language", language="zh")
        page.do("open", number=2)
        until(lambda: not launcher.processes())
        status, _said = page.change("sign", next=True)
        assert status == 422
        assert page.state["language"] == "zh"
        assert all(held(served.path / f"case{number}").signature is None for number in range(3))
        assert page.post("rows", {"shown": "all"})[1][2]["is_current"]
        assert page.change("sign")[0] == 200
    assert held(served.path / "case2").signature is not None


def test_a_page_of_an_earlier_server_is_not_obeyed(served_list: Callable[[int], Served]) -> None:
    served = served_list(2)
    with serving(served, replace(LOGIN, reader=READER)) as (address, _server):
        page = proxied(address, READER)
        page.load()
        old = (page.state["revision"], page.state["case"]["number"])
        assert page.change("sign")[0] == 200
    with serving(served, replace(LOGIN, reader=READER)) as (address, _server):
        again = proxied(address, READER)
        again.load()  # shows the second case
        status, said = again.post("sign", {"revision": old[0], "case": old[1]})
        assert (status, "another window" in said["refused"]) == (422, True)
    assert held(served.path / "case1").signature is None


def test_no_secret_stands_in_a_command_line_and_no_process_outlives_the_launcher(
    served: Served, tmp_path: Path
) -> None:
    options = ("--input", served.scan, "--login-header", "X-Reader", "--no-browser")
    with command(served.path, *options, LDCT_BMD_PROXY_SECRET=SECRET) as started:
        proxied(started.address, "Dr. One").load()
        proxied(started.address, "Dr. Two").post("state")
        (launched,) = [psutil.Process(started.process.pid)]
        children = launched.children(recursive=True)
        assert len(children) == 2
        written = " ".join(part for one in [launched, *children] for part in one.cmdline())
        assert not any(word in written for word in (SECRET, "Dr.", "token"))
        started.process.kill()
        _gone, left = psutil.wait_procs(children, timeout=100)
        assert left == []
    with command(served.path, *options, LDCT_BMD_PROXY_SECRET=SECRET) as started:
        assert proxied(started.address, "Dr. Two").load()["case"]
        started.process.terminate()
        assert started.process.wait(100) == 0
        assert "Traceback" not in started.printed()


def test_a_reader_whose_process_cannot_start_is_told_why(served: Served, tmp_path: Path) -> None:
    key = tmp_path / "no_key.pem"
    with listening(Launcher(served, key, LOGIN)) as address:
        page = proxied(address, READER)
        status, said = page.post("state")
        assert (status, key.name in said["refused"]) == (422, True)
        key.write_text("no key", encoding="utf-8")
        assert page.post("state")[0] == 422
        away = tmp_path / "away"
        served.path.rename(away)
        status, said = page.post("state")
        assert (status, f"no file or folder {served.path}" in said["refused"]) == (422, True)
        away.rename(served.path)
        plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key.write_bytes(Ed25519PrivateKey.generate().private_bytes(*plain))
        assert page.load()["case"], "what was mended is seen at the next request"
