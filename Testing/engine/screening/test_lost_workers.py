"""What a worker does if another one, that its client or the scheduler lost, still has the same study in hand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from helpers_watching import measure_ready, write_study
from ldct_bmd.calibration import NOMINAL
from ldct_bmd.ground.atomic import writing
from ldct_bmd.jobs.spec import Networks
from ldct_bmd.screening import work
from ldct_bmd.screening.inputs import find
from ldct_bmd.screening.outcome import Task
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import open_store

measure = partial(measure_ready, networks=Networks(), calibration=NOMINAL, report=False, language="en")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    write_study(tmp_path / "in", 1)
    store = open_store(tmp_path / "store", make=True)
    store.database.enter()
    store.database.add(find([tmp_path / "in"], 1))
    (study,) = store.database.claim(1)
    store.database.close()
    return store.task(study)


@contextmanager
def measured_elsewhere(task: Task, seconds: float) -> Iterator[None]:
    """Have somebody else write the result of a task for a while."""
    folder = Path(task.store) / task.folder
    folder.parent.mkdir(parents=True)
    may_end, has_begun = threading.Event(), threading.Event()

    def write() -> None:
        with writing(folder):
            has_begun.set()
            may_end.wait(seconds)

    other = threading.Thread(target=write)
    other.start()
    assert has_begun.wait(10.0)
    yield
    may_end.set()
    other.join()


def test_a_study_that_a_lost_worker_still_measures_is_measured_after_it(task: Task) -> None:
    with measured_elsewhere(task, 1.5):
        came = measure(task)
    assert came.state is State.MEASURED, came


def test_a_lost_worker_that_never_ends_fails_the_study(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "LONGEST_WAIT_S", 0.5)
    with measured_elsewhere(task, 60.0):
        came = measure(task)
    assert (came.state, came.code) == (State.FAILED, "file.in_use")


def test_a_store_that_cannot_be_written_fails_the_study_and_not_the_run(task: Task) -> None:
    (Path(task.store) / "results").write_text("", encoding="ascii")
    came = measure(task)
    assert came.state is State.FAILED
    assert str(came.code).startswith("output.")
