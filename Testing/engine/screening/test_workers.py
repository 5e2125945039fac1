"""The worker processes of this machine, and a Ctrl-C that reaches them together with the command."""

import os
import signal
from collections.abc import Iterator

import dask
import pytest
from distributed import Client, get_worker
from distributed.system import MEMORY_LIMIT

from ldct_bmd.screening.cluster import DaskWorkers, local_cluster
from ldct_bmd.screening.outcome import Outcome, Task

PREPARED = "LDCT_BMD_TEST_PREPARED"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with local_cluster(2) as started:
        yield started


def _on_interrupt() -> object:
    return signal.getsignal(signal.SIGINT)


def _memory() -> object:
    return get_worker().memory_manager.memory_limit


def test_a_worker_leaves_ctrl_c_to_the_command(client: Client) -> None:
    assert client.submit(_on_interrupt).result(timeout=60) == signal.SIG_IGN


def test_a_worker_may_take_the_memory_of_the_machine_and_not_only_its_share(client: Client) -> None:
    assert client.submit(_memory).result(timeout=60) == MEMORY_LIMIT


def _prepare() -> None:
    os.environ[PREPARED] = str(os.getpid())


def _prepared() -> bool:
    return os.environ.get(PREPARED) == str(os.getpid())


def _end(_: Task) -> Outcome:
    os._exit(1)


def test_a_worker_that_is_started_again_is_prepared_before_its_first_task(client: Client) -> None:
    workers = DaskWorkers(client, _end, _prepare)
    assert all(client.submit(_prepared, key=f"first {n}").result(timeout=60) for n in range(4))
    workers.give([Task("a", "/in/a", (), None, "/store", "results/a")])
    while not any(one.task.id == "a" for one in workers.wait(60.0)):
        pass
    client.wait_for_workers(2, timeout=60)
    assert all(client.submit(_prepared, key=f"again {n}").result(timeout=60) for n in range(4))


def test_a_worker_keeps_no_profile_which_would_grow_with_each_scan(client: Client) -> None:
    assert client.submit(dask.config.get, "distributed.worker.profile.enabled").result(timeout=60) is False
