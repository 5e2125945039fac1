"""``ldct-bmd screen``: from folders of scans to a store, with workers of this machine or of a cluster."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from distributed import Client

from .. import __version__
from ..calibration import Calibration
from ..ground.errors import UsageError
from ..jobs.spec import Networks, StoreChoice
from ..rules import RuleSet
from ..screening.cluster import DaskWorkers, local_cluster, remote_cluster
from ..screening.inputs import find
from ..screening.run import Told, run
from ..screening.store import Store, open_store
from ..screening.work import measure_task, model_of
from ..words import current_language


@dataclass(frozen=True)
class ScreenRequest:
    """What the user asked for.

    Attributes:
        scheduler: of a Dask cluster; None: processes of this machine.
        workers: how many processes; None: one for each core.
        again: measure again what another version measured, and what failed.
        rules: which BMD is called what; None: the ACR's rule set.
    """

    inputs: tuple[Path, ...]
    store: Path
    networks: Networks
    calibration: Calibration | StoreChoice
    database: str | None = None
    scheduler: str | None = None
    workers: int | None = None
    report: bool = True
    again: bool = False
    rules: RuleSet | None = None


@dataclass(frozen=True)
class Progress:
    """What is told while the work goes on."""

    looked: Callable[[int], None]
    queued: Callable[[int, str | None], None]
    measured: Callable[[Told], None]


def screen(request: ScreenRequest, progress: Progress) -> Told:
    """Find what is new at the inputs, measure all that is queued, and return what was done."""
    # What is wrong with the request is told before anything is queued.
    if request.scheduler is not None and request.workers is not None:
        raise UsageError("cli.workers_of_scheduler")
    workers, model = request.workers or os.cpu_count() or 1, model_of(request.networks)
    store = open_store(request.store, request.database, make=True)
    try:
        found = find(request.inputs, workers, progress.looked, (store.folder,))
        store.database.add(found)
        if request.again:
            store.database.queue_again(__version__, model)
        left = store.database.left()
        if not left:
            progress.queued(0, None)
            return Told()
        with _workers(request, min(workers, left)) as (cluster, dashboard):
            progress.queued(left, dashboard)
            return run(store, cluster, progress.measured)
    finally:
        store.database.close()


@contextmanager
def _workers(request: ScreenRequest, count: int) -> Iterator[tuple[DaskWorkers, str]]:
    measure = partial(
        measure_task,
        networks=request.networks,
        calibration=request.calibration,
        report=request.report,
        language=current_language(),
        rules=request.rules,
    )
    client: Client
    with local_cluster(count) if request.scheduler is None else remote_cluster(request.scheduler) as client:
        yield DaskWorkers(client, measure), client.dashboard_link


@contextmanager
def opened(folder: Path, database: str | None) -> Iterator[Store]:
    """Open the store that is there."""
    store = open_store(folder, database)
    try:
        yield store
    finally:
        store.database.close()
