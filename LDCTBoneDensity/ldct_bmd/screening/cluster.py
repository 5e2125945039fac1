"""Workers by Dask: processes of this machine, or any cluster whose scheduler has an address."""

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, replace

import dask
from distributed import Client, Future, KilledWorker, LocalCluster
from distributed.comm.core import CommClosedError

from ..ground.errors import OutOfReach
from .outcome import Outcome, Task
from .run import Ended, WorkerKilled

_DASHBOARD = "127.0.0.1:8787"
_COUNT_S = 2.0  # between two looks at how many workers there are
_MANY, _TOGETHER_S = 32, 0.25  # with so many workers, what ends within so long is recorded together
_AHEAD = 8  # one task in so many waits at the scheduler, so that no worker waits for the database


@dataclass(frozen=True)
class _Ended:
    task: Task
    future: Future[Outcome]
    came: Outcome | None = None

    def outcome(self) -> Outcome:
        if self.came is not None:
            return self.came
        try:
            return self.future.result()
        except KilledWorker as error:
            raise WorkerKilled from error
        except (CancelledError, CommClosedError, TimeoutError) as error:
            raise OutOfReach("screen.scheduler_lost") from error


class DaskWorkers:
    """The workers of a Dask cluster.

    Args:
        measure: what a worker does with a task; it must be importable there.
    """

    def __init__(self, client: Client, measure: Callable[[Task], Outcome]) -> None:
        self._client, self._measure = client, measure
        self._given: dict[str, Future[Outcome]] = {}
        self._ended: queue.SimpleQueue[_Ended] = queue.SimpleQueue()
        self._threads, self._counted = 0, float("-inf")

    def free(self) -> int:
        """Return how many tasks can be given out now."""
        if time.monotonic() - self._counted > _COUNT_S:
            self._threads, self._counted = sum(self._client.nthreads().values()), time.monotonic()
        return int(self._threads + self._threads // _AHEAD - len(self._given))

    def give(self, tasks: list[Task]) -> None:
        """Give out tasks."""
        futures = self._client.map(self._measure, tasks, pure=False, retries=0)
        for task, future in zip(tasks, futures, strict=True):
            self._given[task.id] = future
            future.add_done_callback(lambda future, task=task: self._ended.put(_Ended(task, future)))

    def wait(self, seconds: float) -> list[Ended]:
        """Return the tasks that ended, once there is one or the time is up."""
        if self._client.status in ("closed", "closing"):
            raise OutOfReach("screen.scheduler_lost")
        ended: list[_Ended] = []
        try:
            ended.append(self._ended.get(timeout=seconds))
            if self._threads >= _MANY:
                time.sleep(_TOGETHER_S)
            while True:
                ended.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        for one in ended:
            del self._given[one.task.id]
        return self._gathered(ended)

    def _gathered(self, ended: Sequence[_Ended]) -> list[Ended]:
        """Return what ended with its outcome, as far as all can be asked for at once."""
        finished = [one for one in ended if one.future.status == "finished"]
        try:
            came = dict(zip(map(id, finished), self._client.gather([one.future for one in finished]), strict=True))
        except Exception:  # noqa: BLE001 (one of them tells of itself when it is asked alone)
            came = {}
        return [replace(one, came=came.get(id(one))) for one in ended]


@contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """Start ``workers`` processes of one thread each, which end with the block."""
    options = {
        # A study that ends its process is charged at once, and no other with it: none waits in the process.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.worker.preload": [f"{__package__}.uninterrupted"],
        "distributed.logging": {"distributed": "critical", "distributed.nanny": "critical"},
    }
    with dask.config.set(options), _started(workers) as cluster, Client(cluster) as client:
        yield client


def _started(workers: int) -> LocalCluster:
    try:
        return LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=_DASHBOARD, security=True, silence_logs=50
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
