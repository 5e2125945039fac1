"""What ends its process is measured once more on a host of its own, and the other hosts go on."""

import os
import time
from pathlib import Path

from distributed import Nanny

from helpers_hosts import cluster_of
from helpers_screening import found, outcome
from ldct_bmd.screening.cluster import DaskWorkers
from ldct_bmd.screening.outcome import Outcome, Task
from ldct_bmd.screening.run import run
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import open_store

STUDIES, WORKERS = 40, 3
KILLER = "/in/0"
LOG = "log"


def measure(task: Task) -> Outcome:
    """Take a while and tell of it; one study always ends the process, and takes longer the second time."""
    from distributed import get_worker

    host = get_worker().address.split("//")[1].split(":")[0]
    log = Path(task.store).parent / LOG
    again = log.is_file() and f"{KILLER} " in log.read_text(encoding="ascii")
    begin = time.time()
    time.sleep(2.5 if task.place == KILLER and again else 0.5)  # so long that others surely run beside it
    line = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(line, f"{task.place} {host} {begin} {time.time()}\n".encode())
    os.close(line)
    if task.place == KILLER:
        os._exit(1)
    return outcome(folder=task.folder)


def test_what_always_ends_its_process_is_refused_while_others_are_measured(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", make=True)
    store.database.add(found(str(number)) for number in range(STUDIES))
    with cluster_of(2, WORKERS, Nanny, memory_limit=None) as (_, client):
        run(store, DaskWorkers(client, measure), lambda _: None)
    results = {study.place: result for study, result in store.database.newest()}
    assert store.database.counts() == {State.MEASURED: STUDIES - 1, State.REFUSED: 1}
    store.database.close()
    assert results[KILLER].code == "screen.ends_its_process"

    ran = [line.split() for line in (tmp_path / LOG).read_text(encoding="ascii").splitlines()]
    spans = [(place, host, float(begin), float(end)) for place, host, begin, end in ran]
    first, again = [one for one in spans if one[0] == KILLER]
    assert again[1] != first[1]  # the host may have been to blame
    beside = [one for one in spans if one[0] != KILLER and one[2] < again[3] and one[3] > again[2]]
    assert {one[1] for one in beside} == {first[1]}
    assert sum(one[3] > again[3] for one in spans) > WORKERS  # it was not left for the end
