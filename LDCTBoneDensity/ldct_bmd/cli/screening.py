"""``ldct-bmd screen`` and ``watch``: from folders of scans or a PACS to a store, with workers here or of a cluster."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from ..screening.archive import Archive, opened_archive, read_query
from ..screening.cluster import DaskWorkers, local_cluster, remote_cluster
from ..screening.feed import AskedAgain, Changes, OrthancChanges, is_orthanc
from ..screening.inputs import Found, find
from ..screening.run import Told, run
from ..screening.store import Store, open_store
from ..screening.watch import Heard, Watcher
from ..screening.watch import watch as run_watch
from ..screening.work import measure_task, model_of, prepare
from ..words import current_language


@dataclass(frozen=True)
class Measuring:
    """Where results go, and what measures them how.

    Attributes:
        scheduler: of a Dask cluster; None: processes of this machine.
        workers: how many processes; None: one for each core.
        rules: which BMD is called what; None: the ACR's rule set.
    """

    store: Path
    networks: Networks
    calibration: Calibration | StoreChoice
    database: str | None = None
    scheduler: str | None = None
    workers: int | None = None
    report: bool = True
    rules: RuleSet | None = None


@dataclass(frozen=True)
class PacsRequest:
    """An archive, as the user named it.

    Attributes:
        query: KEY=VALUE each.
        ca: certificates to trust.
    """

    address: str
    query: tuple[str, ...] = ()
    ca: Path | None = None


@dataclass(frozen=True)
class ScreenRequest:
    """What the user asked for.

    Attributes:
        again: measure again what another version measured, and what failed.
    """

    inputs: tuple[Path, ...]
    measuring: Measuring
    pacs: PacsRequest | None = None
    again: bool = False


@dataclass(frozen=True)
class WatchRequest:
    """What the user asked for.

    Attributes:
        earlier: measure what the archive holds already, too.
        every_s: how often an archive is asked that tells no changes.
        send: send results back.
    """

    pacs: PacsRequest
    measuring: Measuring
    earlier: bool = False
    every_s: float = 30.0
    send: bool = True


@dataclass(frozen=True)
class Progress:
    """What is told while the work goes on."""

    looked: Callable[[int], None]
    listed: Callable[[int], None]
    queued: Callable[[int, str | None], None]
    measured: Callable[[Told], None]


def screen(request: ScreenRequest, progress: Progress) -> Told:
    """Find what is new at the inputs, measure all that is queued, and return what was done."""
    # What is wrong with the request is told before anything is queued.
    measuring, pacs = request.measuring, request.pacs
    is_looked_for = bool(request.inputs) or pacs is not None
    if not is_looked_for and not request.again:
        raise UsageError("cli.no_input")
    workers, model = _checked(measuring)
    query = read_query(() if pacs is None else pacs.query)
    with opened(measuring.store, measuring.database, make=is_looked_for) as store:
        store.database.add(find(request.inputs, workers, progress.looked, (store.folder,)))
        if pacs is not None:
            with opened_archive(pacs.address, pacs.ca) as archive:
                store.database.add(_counted(archive.find(query), progress.listed))
        if request.again:
            store.queue_again(__version__, model)
        left = store.database.left()
        if not left:
            progress.queued(0, None)
            return Told()
        with _workers(measuring, min(workers, left)) as (cluster, dashboard):
            progress.queued(left, dashboard)
            return run(store, cluster, progress.measured)


def watch(
    request: WatchRequest, heard: Heard, started: Callable[[bool, str], None], told: Callable[[Told], None]
) -> None:
    """Measure what comes to an archive, and send it back, until the process is interrupted.

    Args:
        started: is told whether the archive tells its changes, and the address of the workers' dashboard.
    """
    measuring, pacs = request.measuring, request.pacs
    workers, _ = _checked(measuring)
    query = read_query(pacs.query)
    with (
        opened_archive(pacs.address, pacs.ca) as archive,
        opened(measuring.store, measuring.database, make=True) as store,
        _workers(measuring, workers) as (cluster, dashboard),
    ):

        def changes() -> Changes:
            tells = not query and is_orthanc(archive)
            made = _changes(request, archive, store, query, tells)
            started(tells, dashboard)
            return made

        run_watch(store, cluster, Watcher(store, archive, changes, heard, request.send), told)


def _changes(
    request: WatchRequest, archive: Archive, store: Store, query: Sequence[tuple[str, str]], tells: bool
) -> Changes:
    if tells:
        return OrthancChanges(archive, store.database, request.earlier)
    return AskedAgain(archive, store.database, query, request.earlier, request.every_s)


def _checked(measuring: Measuring) -> tuple[int, str]:
    """Return the number of workers and the model."""
    if measuring.scheduler is not None and measuring.workers is not None:
        raise UsageError("cli.workers_of_scheduler")
    return measuring.workers or os.cpu_count() or 1, model_of(measuring.networks)


def _counted(found: Iterable[Found], told: Callable[[int], None]) -> Iterator[Found]:
    for count, one in enumerate(found, start=1):
        told(count)
        yield one


@contextmanager
def _workers(measuring: Measuring, count: int) -> Iterator[tuple[DaskWorkers, str]]:
    measure = partial(
        measure_task,
        networks=measuring.networks,
        calibration=measuring.calibration,
        report=measuring.report,
        language=current_language(),
        rules=measuring.rules,
    )
    client: Client
    with local_cluster(count) if measuring.scheduler is None else remote_cluster(measuring.scheduler) as client:
        yield DaskWorkers(client, measure, partial(prepare, measuring.networks)), client.dashboard_link


@contextmanager
def opened(folder: Path, database: str | None, make: bool = False) -> Iterator[Store]:
    """Open the store that is there, or ``make`` it."""
    store = open_store(folder, database, make)
    try:
        yield store
    finally:
        store.database.close()
