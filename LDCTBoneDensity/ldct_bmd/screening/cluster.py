"""Workers by Dask: processes of this machine, or any cluster whose scheduler has an address."""

import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count

import dask
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed.comm.addressing import get_address_host
from distributed.comm.core import CommClosedError
from distributed.system import MEMORY_LIMIT

from ..ground.errors import OutOfReach
from .outcome import Outcome, Task
from .run import Ended, WorkerKilled

_DASHBOARD = "127.0.0.1:8787"
_COUNT_S = 2.0  # between two looks at how many workers there are
_MANY, _TOGETHER_S = 32, 0.25  # with so many workers, what ends within so long is recorded together
_AHEAD = 4  # one task in so many waits at the scheduler, so that no worker waits for the database


@dataclass(frozen=True)
class _Ended:
    task: Task
    future: Future[Outcome]
    together: Callable[[], dict[str, Outcome]] = dict

    def died_on(self) -> list[str]:
        """Return the host whose process the task ended, if it did."""
        error = self.future.exception() if self.future.status == "error" else None
        return [get_address_host(error.last_worker.address)] if isinstance(error, KilledWorker) else []

    def outcome(self) -> Outcome:
        came = self.together().get(self.task.id)
        if came is not None:
            return came
        try:
            return self.future.result()
        except KilledWorker as error:
            raise WorkerKilled from error
        except (CancelledError, CommClosedError, TimeoutError) as error:
            raise OutOfReach("screen.scheduler_lost") from error


class DaskWorkers:
    """The workers of a Dask cluster.

    Memory is shared by the workers of a host. So what ended its process gets a host for itself, while the other hosts
    go on. If there is one host, it waits until nothing else is to be done.

    Args:
        measure: what a worker does with a task; it must be importable there.
    """

    def __init__(self, client: Client, measure: Callable[[Task], Outcome]) -> None:
        self._client, self._measure = client, measure
        self._given: dict[str, Future[Outcome]] = {}
        self._group, self._numbers = f"study-{uuid.uuid4().hex}", count()
        self._ended: queue.SimpleQueue[_Ended] = queue.SimpleQueue()
        self._threads: Counter[str] = Counter()  # by host
        self._counted = float("-inf")
        self._kept_free: str | None = None  # a host
        self._before: set[str] = set()  # tasks that were given out before that, and may run there
        self._alone: set[str] = set()  # tasks that were given out to run there
        self._deaths: Counter[str] = Counter()  # by host

    def free(self) -> int:
        """Return how many tasks can be given out now."""
        threads = self._count().total()
        ahead = threads // _AHEAD
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
        keys = [(self._group, next(self._numbers)) for _ in tasks]
        # If none of the hosts is there any more, another one takes a task rather than none.
        futures = self._client.map(
            self._measure, tasks, key=keys, retries=0, workers=hosts or None, allow_other_workers=bool(hosts)
        )
        for task, future in zip(tasks, futures, strict=True):
            self._given[task.id] = future
            future.add_done_callback(lambda future, task=task: self._ended.put(_Ended(task, future)))

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
            self._threads, self._counted = Counter(), time.monotonic()
            for address, threads in self._client.nthreads().items():
                self._threads[get_address_host(address)] += threads
        return self._threads

    def wait(self, seconds: float) -> list[Ended]:
        """Return the tasks that ended, once there is one or the time is up."""
        if self._client.status in ("closed", "closing"):
            raise OutOfReach("screen.scheduler_lost")
        ended: list[_Ended] = []
        try:
            ended.append(self._ended.get(timeout=seconds))
            if self._threads.total() >= _MANY:
                time.sleep(_TOGETHER_S)
            while True:
                ended.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        for one in ended:
            del self._given[one.task.id]
            self._alone.discard(one.task.id)
            if died_on := one.died_on():
                self._deaths.update(died_on)
                self._counted = float("-inf")  # there is one worker less
        together = cache(partial(self._gathered, tuple(ended)))  # once, when the first is asked for
        return [replace(one, together=together) for one in ended]

    def _gathered(self, ended: Sequence[_Ended]) -> dict[str, Outcome]:
        """Return the outcomes by study, as far as all can be asked for at once."""
        finished = [one for one in ended if one.future.status == "finished"]
        try:
            came = self._client.gather([one.future for one in finished])
        except Exception:  # noqa: BLE001 (one of them tells of itself when it is asked alone)
            return {}
        return {one.task.id: outcome for one, outcome in zip(finished, came, strict=True)}


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
