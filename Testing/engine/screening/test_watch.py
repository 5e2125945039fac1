"""A watched archive, a real one behind TLS: all results come back, each once, whoever is killed."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from helpers_orthanc import Orthanc, orthanc_in
from helpers_watching import Watching, own_objects, wait_until, write_study
from ldct_bmd.screening.states import Delivered, State
from ldct_bmd.screening.store import open_store
from ldct_bmd.screening.tables import Result, Sending
from places import DATA

# 200 are for `make acceptance`.
STUDIES = int(os.environ.get("LDCT_BMD_WATCHED", "6"))
KINDS = ["DOC", "OT", "SEG", "SEG", "SR"]
STUDY_S = 300.0  # most for one, on a busy machine


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    folder = tmp_path / "orthanc"
    folder.mkdir()
    with orthanc_in(folder, stable_s=1) as server:
        yield server


@pytest.fixture
def watching(tmp_path: Path, orthanc: Orthanc) -> Iterator[Watching]:
    made = Watching(tmp_path / "store", orthanc, ("--earlier",))
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


@pytest.mark.slow
def test_all_results_come_back_once_whoever_is_killed(orthanc: Orthanc, watching: Watching, tmp_path: Path) -> None:
    chance = random.Random(7)
    taken = 0
    watching.start()
    rounds = ("watcher", "worker", "archive")
    for number in range(STUDIES):
        files = write_study(tmp_path / "in" / str(number), number)
        orthanc.take(files)
        taken += len(files)
        if number % 2:
            time.sleep(chance.uniform(2.0, 15.0))
            who = rounds[number // 2 % len(rounds)]
            if who == "watcher":
                watching.kill()
                watching.start()
            elif who == "archive":
                orthanc.kill()
                time.sleep(2.0)
                orthanc.start()
            else:
                assert wait_until(watching.is_at_work, STUDY_S), watching.said()
                watching.kill_worker()
    # Counted, not listed: to list what an archive holds keeps it from its work.
    assert wait_until(lambda: orthanc.count() >= taken + len(KINDS) * STUDIES, STUDY_S * STUDIES), watching.said()
    time.sleep(5.0)  # what would come twice would come now
    held = own_objects(orthanc)
    assert watching.stop() == 0
    assert list(held.values()) == [KINDS] * STUDIES
    store = open_store(watching.store)
    assert store.database.counts() == {State.MEASURED: STUDIES}
    with store.database.session() as session:
        sent = session.scalars(select(Sending)).all()
        measured = session.scalars(select(Result).where(Result.state == State.MEASURED.value)).all()
    store.database.close()
    assert len(measured) == len(sent) == STUDIES
    assert {one.state for one in sent} == {Delivered.SENT.value}
    assert all(len(one.uids) == len(KINDS) for one in sent)
    said = watching.said()
    assert "Stopped" in said
    for secret in ("Secret", "P-1", "not a secret"):
        assert secret not in said


@pytest.mark.slow
def test_three_studies_are_measured_by_the_networks_and_come_back(
    orthanc: Orthanc, watching: Watching, tmp_path: Path
) -> None:
    abdomen = DATA / "abdomen_ct_3mm" / "ct.nii.gz"
    if not abdomen.is_file():
        pytest.skip(f"{abdomen} is not there")
    watching.ready = False
    watching.start()
    for number in range(3):
        orthanc.take(write_study(tmp_path / "in" / str(number), number, volume=abdomen))
    assert wait_until(lambda: list(own_objects(orthanc).values()) == [KINDS] * 3, 400.0), watching.said()
    assert watching.stop() == 0
    store = open_store(watching.store)
    facts = [result.facts for _, result in store.database.newest()]
    store.database.close()
    assert len({str(one["bmd_mg_cm3"]) for one in facts}) == 1  # the same scan, three times
    assert set(facts[0]["bmd_mg_cm3"]) >= {"L1", "L2"}  # type: ignore[arg-type]
