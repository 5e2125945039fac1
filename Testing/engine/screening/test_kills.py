"""Whatever is killed, and whenever: nothing is lost, nothing is recorded twice, no result is half."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from helpers_killing import LOG, ROLES, Processes
from helpers_screening import found
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import open_store
from ldct_bmd.screening.tables import Result

# A series of 30 moments is for `make acceptance`.
MOMENTS = int(os.environ.get("LDCT_BMD_KILLS", "3"))
STUDIES = 40
IN_HAND = 2  # workers of one thread


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", make=True)
    chance = random.Random(5)
    processes = Processes(tmp_path)
    kills = 0
    rounds = -(-MOMENTS // len(ROLES))
    try:
        for round_ in range(rounds):
            store.database.add(found(f"{round_} {n}") for n in range(STUDIES))
            for role in ROLES:
                processes.complete()
                if not processes.ended(chance.uniform(0.5, 4.0)):
                    processes.kill(role)
                    kills += 1
            processes.complete()
            while not processes.ended(60.0):
                processes.complete()
    finally:
        processes.stop()
    studies = STUDIES * rounds
    assert kills >= MOMENTS // 2
    assert store.database.counts() == {State.MEASURED: studies}
    with store.database.session() as session:
        results = session.scalars(select(Result)).all()
    assert len(results) == len({one.study_id for one in results}) == studies
    for one in results:
        folder = store.folder / str(one.folder)
        assert sorted(part.name for part in folder.iterdir()) == ["part0", "part1", "part2"]
        assert {part.read_text(encoding="ascii") for part in folder.iterdir()} == {one.study_id}
    repeated = sum(
        (Counter((tmp_path / LOG).read_text(encoding="ascii").split()) - Counter(r.study_id for r in results)).values()
    )
    assert repeated <= kills * (IN_HAND + 1)  # at most what was in hand
    assert list((store.folder / "results").rglob(".*")) == []
    store.database.close()
