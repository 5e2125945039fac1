"""Studies without pixels, and workers without a cluster, for the tests of screening."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import update

from ldct_bmd.screening.database import Database
from ldct_bmd.screening.inputs import Found
from ldct_bmd.screening.outcome import Outcome, Task
from ldct_bmd.screening.run import Ended
from ldct_bmd.screening.states import State
from ldct_bmd.screening.tables import Client, Study

NO_PROCESS = 2**30  # a number that is higher than a system gives


def found(name: str, patient: str | None = None, date: str = "", content: str = "a") -> Found:
    """A study that was found."""
    return Found(f"study\n{name}", f"/in/{name}", content, (f"/in/{name}/1.dcm",), patient, date)


def names(studies: list[Study]) -> list[str]:
    """What :func:`found` was given to make these studies."""
    return [study.place.removeprefix("/in/") for study in studies]


def gone(by: Database, *clients: Database) -> None:
    """Have clients look as if other processes, now gone, had been them."""
    with by.session() as session:
        session.execute(update(Client).where(Client.id.in_(one.client for one in clients)).values(process=NO_PROCESS))


def outcome(state: State = State.MEASURED, folder: str | None = "results/x", **more: object) -> Outcome:
    """What came of a study."""
    given: dict[str, object] = {"software": "1", "model": "m", "ended": "2026-01-01T00:00:00Z", **more}
    return Outcome(state, folder=folder if state is State.MEASURED else None, **given)  # type: ignore[arg-type]


@dataclass
class _Done:
    task: Task
    make: Callable[[Task], Outcome]

    def outcome(self) -> Outcome:
        return self.make(self.task)


@dataclass
class HandWorkers:
    """Workers that measure when they are waited for, one task after another.

    Attributes:
        make: what comes of a task; may raise.
        seen: the groups of tasks that were in hand together.
        own: whether they would end together with this process.
    """

    make: Callable[[Task], Outcome]
    threads: int = 2
    own: bool = True
    given: list[Task] = field(default_factory=list)
    seen: list[list[str]] = field(default_factory=list)

    def free(self) -> int:
        return self.threads - len(self.given)

    def give(self, tasks: list[Task], alone: bool = False) -> None:
        self.given += tasks
        self.seen.append([task.place for task in self.given])

    def keep_free(self, wanted: bool) -> bool:
        return wanted and not self.given

    def wait(self, seconds: float) -> list[Ended]:
        return [_Done(self.given.pop(0), self.make)] if self.given else []
