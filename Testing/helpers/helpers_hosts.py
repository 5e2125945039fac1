"""A Dask cluster whose workers have addresses of several hosts, all of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Scheduler, SpecCluster

_SETTINGS = {"distributed.scheduler.allowed-failures": 0, "distributed.scheduler.worker-saturation": 1.0}


@contextmanager
def cluster_of(hosts: int, workers: int, kind: type, **options: Any) -> Iterator[tuple[SpecCluster, Client]]:
    """Start so many workers of one thread on so many hosts.

    Args:
        kind: Worker, a thread of this process, or Nanny, a process that is started again when it ends.
    """
    each = {
        number: {"cls": kind, "options": {"nthreads": 1, "host": f"127.0.0.{number % hosts + 1}", **options}}
        for number in range(workers)
    }
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "port": 0, "dashboard": False}}
    with (
        dask.config.set(_SETTINGS),
        SpecCluster(workers=each, scheduler=scheduler, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        yield cluster, client
