"""The worker processes of this machine, and a Ctrl-C that reaches them together with the command."""

import signal
from collections.abc import Iterator

import dask
import pytest
from distributed import Client, get_worker
from distributed.system import MEMORY_LIMIT

from ldct_bmd.screening.cluster import local_cluster


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


def test_a_worker_keeps_no_profile_which_would_grow_with_each_scan(client: Client) -> None:
    assert client.submit(dask.config.get, "distributed.worker.profile.enabled").result(timeout=60) is False
