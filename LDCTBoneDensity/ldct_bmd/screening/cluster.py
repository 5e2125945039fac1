"""Workers by Dask: processes of this machine, or any cluster whose scheduler has an address."""

import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, Worker, WorkerPlugin
from distributed.comm.addressing import get_address_host
from distributed.comm.core import CommClosedError
from distributed.system import MEMORY_LIMIT

from ..ground.errors import OutOfReach
from .outcome import Outcome, Task
from .run import Ended, WorkerKilled

_DASHBOARD = "127.0.0.1:8787"
_COUNT_S = 2.0  # between two looks at how many workers there are
_MANY, _TOGETHER_S = 32, 0.25  # with so many workers, what ends within so long is replaced and recorded together
_AHEAD = 4  # one task in so many waits at the scheduler, so that no worker waits for the database


@dataclass(frozen=True)
class _Over:
    """A task that a worker is done with; what came of it is still there."""

    task: Task
    future: Future[Outcome]

    def killed(self) -> tuple[str, int] | None:
        """Return the host whose process the task ended, and its threads; None if it ended none."""
        error = self.future.exception() if self.future.status == "error" else None
        if not isinstance(error, KilledWorker):
            return None
        return get_address_host(error.last_worker.address), error.last_worker.nthreads


@dataclass(frozen=True)
class _Ended:
    task: Task
    came: Outcome | BaseException

    def outcome(self) -> Outcome:
        if isinstance(self.came, KilledWorker):
            raise WorkerKilled from self.came
        if isinstance(self.came, CancelledError | CommClosedError | TimeoutError):
            raise OutOfReach("screen.scheduler_lost") from self.came
        if isinstance(self.came, BaseException):
            raise self.came
        return self.came


class _Preparing(WorkerPlugin):
    """Has each worker, also one that is started again, do something before its first task."""

    name = "ldct-bmd-preparing"

    def __init__(self, prepare: Callable[[], None]) -> None:
        self._prepare = prepare

    def setup(self, worker: Worker) -> None:
        """Do it where tasks are done; what goes wrong there, the first task tells."""
        worker.executors["default"].submit(self._prepare)


class DaskWorkers:
    """The workers of a Dask cluster.

    Memory is shared by the workers of a host. So what ended its process gets a host for itself, while the other hosts
    go on. If there is one host, it waits until nothing else is to be done.

    Args:
        measure: what a worker does with a task; it must be importable there.
        prepare: what it does as it starts, so that the first task does not take longer; likewise.
    """

    def __init__(
        self, client: Client, measure: Callable[[Task], Outcome], prepare: Callable[[], None] | None = None
    ) -> None:
        self._client, self._measure = client, measure
        if prepare is not None:
            client.register_plugin(_Preparing(prepare))
        self._given: dict[str, Future[Outcome]] = {}
        self._group, self._numbered = "", 0
        self._told: queue.SimpleQueue[_Over | _Ended] = queue.SimpleQueue()  # of each task both, one after the other
        self._threads: Counter[str] = Counter()  # by host
        self._counted = float("-inf")
        self._kept_free: str | None = None  # a host
        self._before: set[str] = set()  # tasks that were given out before that, and may run there
        self._alone: set[str] = set()  # tasks that were given out to run there
        self._deaths: Counter[str] = Counter()  # by host

    @property
    def own(self) -> bool:
        """Whether the workers are processes that this one started: a machine without memory ends them all together."""
        return self._client.cluster is not None

    def free(self) -> int:
        """Return how many tasks can be given out now."""
        threads = self._count().total()
        # Of a small group Dask gives each task to a worker at once, and one that waits there ends with its process.
        ahead = threads // _AHEAD if self._numbered > 2 * threads else 0
        if self._kept_free is not None:
            # None waits meanwhile: Dask would have an idle worker of the free host take it.
            threads, ahead = threads - self._threads[self._kept_free], 0
        return threads + ahead - len(self._given.keys() - self._alone)

    def give(self, tasks: list[Task], alone: bool = False) -> None:
        """Give out tasks; ``alone``: on the host that is kept free."""
        hosts = None
        if self._kept_free is not None:
            hosts = [host for host in self._threads if (host == self._kept_free) is alone]
        if alone:
            self._alone.update(task.id for task in tasks)
        # Of one group: if it is larger than the cluster, Dask keeps tasks at the scheduler until a worker is idle.
        if not self._given:  # Dask forgets a group that has ended, and its size
            self._group, self._numbered = f"study-{uuid.uuid4().hex}", 0
        keys = [(self._group, self._numbered + number) for number in range(len(tasks))]
        self._numbered += len(tasks)
        # If none of the hosts is there any more, another one takes a task rather than none.
        futures = self._client.map(
            self._measure, tasks, key=keys, retries=0, workers=hosts or None, allow_other_workers=bool(hosts)
        )
        for task, future in zip(tasks, futures, strict=True):
            self._given[task.id] = future
            future.add_done_callback(partial(self._over, task))

    def keep_free(self, wanted: bool) -> bool:
        """Keep one host free of other tasks as long as it is ``wanted``; return whether nothing runs there now."""
        hosts = self._count()
        if self._alone:
            return False
        if not wanted or self._kept_free not in hosts:
            self._kept_free = None
        if not wanted or not hosts or (len(hosts) == 1 and self._given):
            return False
        if self._kept_free is None:
            # Rather not one where processes ended, the host may have been to blame; and rather a large one.
            self._kept_free = min(hosts, key=lambda host: (self._deaths[host], -hosts[host], host))
            self._before = set(self._given)
        return self._before.isdisjoint(self._given)

    def _count(self) -> Counter[str]:
        """Return the threads of each host, as they were a moment ago."""
        if time.monotonic() - self._counted > _COUNT_S:
            self._counted = time.monotonic()
            if not self._threads:
                self._threads = _by_host(self._client.nthreads())
            elif (loop := self._client.loop) is not None:
                loop.add_callback(self._count_again)  # a busy scheduler takes a while to answer
        return self._threads

    async def _count_again(self) -> None:
        with suppress(Exception):  # that the scheduler is lost is told by :meth:`wait`
            self._threads = _by_host(await self._client.nthreads(asynchronous=True))

    def wait(self, seconds: float) -> list[Ended]:
        """Return the tasks whose outcome came, as soon as a worker is done with a task or the time is up."""
        if self._client.status in ("closed", "closing"):
            raise OutOfReach("screen.scheduler_lost")
        told: list[_Over | _Ended] = []
        try:
            told.append(self._told.get(timeout=seconds))
            if self._threads.total() >= _MANY and self._kept_free is None:  # else a worker may wait for a task
                time.sleep(_TOGETHER_S)
            while True:
                told.append(self._told.get_nowait())
        except queue.Empty:
            pass
        for over in told:
            if isinstance(over, _Over):
                self._note(over)
        return [one for one in told if isinstance(one, _Ended)]

    def _note(self, over: _Over) -> None:
        """Count a worker as free again."""
        del self._given[over.task.id]
        self._alone.discard(over.task.id)
        if killed := over.killed():
            host, threads = killed
            self._deaths[host] += 1
            self._threads -= Counter({host: threads})  # until they are counted again

    def _over(self, task: Task, future: Future[Outcome]) -> None:
        """Tell that a task is over, and have what came of it fetched; in a thread of Dask's."""
        self._told.put(_Over(task, future))
        if (loop := self._client.loop) is not None:
            loop.add_callback(self._fetch, task, future)

    async def _fetch(self, task: Task, future: Future[Outcome]) -> None:
        """Fetch what came of a task; Dask asks for those together that are asked for meanwhile."""
        came: Outcome | BaseException
        try:
            (came,) = await self._client.gather([future], asynchronous=True)
        except BaseException as error:  # noqa: BLE001 (raised again by who asks for the outcome)
            came = error
        self._told.put(_Ended(task, came))


def _by_host(threads: Mapping[str, int]) -> Counter[str]:
    """Return the threads of each host, from those of each worker's address."""
    counted: Counter[str] = Counter()
    for address, count in threads.items():
        counted[get_address_host(address)] += count
    return counted


@contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """Start ``workers`` processes of one thread each, which end with the block."""
    options = {
        # A study that ends its process is charged at once, and no other with it: none waits in the process.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.worker.profile.enabled": False,  # what it keeps grows by a megabyte with each scan
        "distributed.worker.preload": [f"{__package__}.uninterrupted"],
        "distributed.logging": {"distributed": "critical", "distributed.nanny": "critical"},
    }
    with dask.config.set(options), _started(workers) as cluster, Client(cluster) as client:
        yield client


def _started(workers: int) -> LocalCluster:
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            # Not its share, at which Dask ends a worker however much is free, also of one that has the host for itself.
            memory_limit=MEMORY_LIMIT,
            dashboard_address=_DASHBOARD,
            security=True,
            silence_logs=50,
        )
    except RuntimeError as error:  # a process ended before it had begun
        raise OutOfReach("screen.scheduler_lost") from error


@contextmanager
def remote_cluster(address: str) -> Iterator[Client]:
    """Join the cluster whose scheduler is at ``address``; UsageError if it cannot be reached."""
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise OutOfReach("screen.no_scheduler", address=address) from error
    with client:
        yield client
