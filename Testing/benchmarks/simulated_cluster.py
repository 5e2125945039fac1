"""How well the screening's own machinery keeps a large cluster busy: 200 workers as threads of one process.

    python Testing/benchmarks/simulated_cluster.py [--workers 200] [--hosts 25] [--jobs 10000] [--seconds 13]

The jobs sleep as long as a chest of 350 slices takes one core, one in a hundred fails, and five workers are cut off on
the way; they do not come back, and their time is counted all the same. Scheduler, client, database and store are the
real ones, and so are the connections. As in a cluster, the client has a process of its own; scheduler and workers share
another. Printed: the share of the workers' time that was spent in jobs, whether every job ended once, and how long
each of the two processes was busy for a job.
"""

# ruff: noqa: T201

import argparse
import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import dask
import machine
from distributed import Client, SpecCluster, Worker
from sqlalchemy import func, select

from helpers_hosts import cluster_of
from ldct_bmd.screening.cluster import DaskWorkers
from ldct_bmd.screening.inputs import Found
from ldct_bmd.screening.outcome import Outcome, Task
from ldct_bmd.screening.run import run
from ldct_bmd.screening.states import State
from ldct_bmd.screening.store import open_store
from ldct_bmd.screening.tables import Result, Study

FAILING = 100  # one job in so many
CUT_OFF = 5  # workers
# What every worker does for itself all the time: 200 of them in one process would leave it no time for the jobs.
OF_EACH_WORKER = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.profile.interval": "1h",
    "distributed.worker.profile.cycle": "1h",
    "distributed.admin.system-monitor.interval": "1h",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.scheduler.work-stealing": False,
}


def sleeping(task: Task, seconds: float) -> Outcome:
    """Take as long as a measurement, within a fifth."""
    chance = random.Random(task.id)
    length = seconds * chance.uniform(0.8, 1.2)
    time.sleep(length)
    failed = int(task.place.rpartition("/")[2]) % FAILING == 0
    state = State.FAILED if failed else State.MEASURED
    folder = None if failed else task.folder
    return Outcome(state, "simulated", "simulated", "", folder=folder, facts={"row": {}}, timing_s={"job": length})


def cut_off(cluster: SpecCluster, after_s: float) -> None:
    """Cut workers off without a word, one after the other."""

    def cut() -> None:
        for number in range(CUT_OFF):
            time.sleep(after_s)
            worker = list(cluster.workers.values())[number]
            cluster.loop.add_callback(lambda worker=worker: worker.batched_stream.comm.abort())

    threading.Thread(target=cut, daemon=True).start()


def serve(options: argparse.Namespace, place: Connection) -> None:
    """Be scheduler and workers, until told to end; send the address, and then the processor time."""
    with (
        dask.config.set(OF_EACH_WORKER),
        cluster_of(options.hosts, options.workers, Worker, dashboard=False) as (cluster, _),
    ):
        place.send(cluster.scheduler_address)
        place.recv()
        busy = time.process_time()
        cut_off(cluster, options.seconds)
        place.recv()
        place.send(time.process_time() - busy)


@contextmanager
def cluster_apart(options: argparse.Namespace) -> Iterator[tuple[Client, Connection]]:
    """Start scheduler and workers in another process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(options, there), daemon=True)
    process.start()
    with Client(here.recv()) as client:
        yield client, here
    process.terminate()
    process.join()


def main() -> None:
    """Run it and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--hosts", type=int, default=25)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=13.0)
    parser.add_argument("--database")
    options = parser.parse_args()
    print(machine.describe(), machine.usual_load(), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store", options.database, make=True)
        store.database.add(Found(f"study\n{n}", f"/in/{n}", "a", (f"/in/{n}/1",)) for n in range(options.jobs))
        with cluster_apart(options) as (client, cluster):
            cluster.send("begin")
            busy, begin = time.process_time(), time.perf_counter()
            run(store, DaskWorkers(client, partial(sleeping, seconds=options.seconds)), lambda _: None)
            wall, busy = time.perf_counter() - begin, time.process_time() - busy
            cluster.send("end")
            busy_there = cluster.recv()
        counts = store.database.counts()
        with store.database.session() as session:
            timings = session.scalars(select(Result.timing_s)).all()
            studies = session.scalar(select(func.count(func.distinct(Result.study_id))))
            killed = session.scalar(select(func.count()).select_from(Study).where(Study.kills > 0))
        store.database.close()
    ended = sum(counts.values()) == options.jobs == len(timings) == studies and set(counts) <= {
        State.MEASURED,
        State.FAILED,
    }
    cluster_is = f"{options.workers} workers of {options.hosts} hosts"
    print(f"{options.jobs} jobs of {options.seconds:g} s, {cluster_is}, {killed} jobs lost their worker")
    worked = sum(timing["job"] for timing in timings)
    print(f"efficiency {worked / (wall * options.workers):.1%} ({wall:.0f} s)")
    print(f"every job ended once: {'yes' if ended else 'NO'} ({ {state.value: n for state, n in counts.items()} })")
    each, each_there = 1000 * busy / options.jobs, 1000 * busy_there / options.jobs
    print(f"processor time: client {each:.1f} ms a job, scheduler and workers {each_there:.1f} ms a job")


if __name__ == "__main__":
    main()
