"""``ldct-bmd screen``, ``watch``, ``worklist`` and ``summary``."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...ground.errors import UsageError
from ...words import text
from ..extras import extra
from ..terminal import count_bar, exit_codes, messages, output, say
from .options import Device, Rules

if TYPE_CHECKING:
    from ...jobs.spec import MeasureSpec
    from ...screening.returning import Returned
    from ...screening.run import Told
    from ..screening import Progress

StoreFolder = Annotated[Path, typer.Option("--store", metavar="DIR", help="The folder of the programme's results.")]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="LDCT_BMD_DATABASE",
        help="Of the database, such as postgresql+psycopg://user@host/name.  \\[default: SQLite in the store]",
    ),
]
Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Processes of this machine.  \\[default: one a core]")
]
Scheduler = Annotated[str | None, typer.Option(metavar="URL", help="Of a Dask cluster, such as tcp://host:8786.")]
CalibrationFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A calibration file, in place of the nominal one.")
]
CalibrationStoreFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Pick the calibration that fits each scan from this store.")
]
Later = Annotated[
    bool, typer.Option("--later-calibration", help="Take one made after the scan where none is before it.")
]
Weights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Weights that ldct-bmd pack wrote, not the shipped ones.")
]
Query = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Of a PACS: which studies, such as StudyDate=20260101-; several may do."),
]
Authority = Annotated[Path | None, typer.Option(metavar="FILE", help="Certificates to trust, in PEM.")]


def screen(
    store: StoreFolder,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[INPUT...]", help="Folder trees, scans, or manifests (CSV with path and series)."),
    ] = None,
    pacs: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Measure studies of this DICOMweb server, such as https://host/dicom-web."),
    ] = None,
    query: Query = None,
    ca: Authority = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    database: Database = None,
    calibration: CalibrationFile = None,
    calibration_store: CalibrationStoreFile = None,
    later_calibration: Later = False,
    weights: Weights = None,
    device: Device = "auto",
    rules: Rules = None,
    report: Annotated[bool, typer.Option(help="Write report.html, report.pdf, tables and dicom/ too.")] = True,
    again: Annotated[
        bool, typer.Option("--again", help="Measure again what failed, or what another version measured.")
    ] = False,
) -> None:
    """Measure all scans of a programme, each once; what was interrupted resumes."""
    with exit_codes(), extra("reports,screen"):
        from ..methods import networks
        from ..screening import Measuring, PacsRequest, ScreenRequest
        from ..screening import screen as run_screen

        asked = _asked(calibration, calibration_store, later_calibration, rules)
        measuring = Measuring(
            store, networks(device, weights), asked.calibration, database, scheduler, workers, report, asked.rules
        )
        archive = None if pacs is None else PacsRequest(pacs, tuple(query or ()), ca)
        if archive is None and (query or ca is not None):
            raise UsageError("cli.pacs_alone")
        request = ScreenRequest(tuple(inputs or ()), measuring, archive, again)
        with _progress() as progress:
            told = run_screen(request, progress)
        say(output(), _done(told))


def watch(
    address: Annotated[
        str, typer.Argument(metavar="URL", help="A DICOMweb server, for example https://pacs.example/dicom-web.")
    ],
    store: StoreFolder,
    query: Query = None,
    ca: Authority = None,
    earlier: Annotated[
        bool, typer.Option("--earlier", help="Begin with what the archive holds already, not with what comes from now.")
    ] = False,
    every: Annotated[
        float, typer.Option(metavar="S", min=1, help="Ask so often for new studies if the archive tells no changes.")
    ] = 30.0,
    send_back: Annotated[
        bool, typer.Option("--send/--no-send", help="Send SR, SEG, PDF and overview back to the archive.")
    ] = True,
    workers: Workers = None,
    scheduler: Scheduler = None,
    database: Database = None,
    calibration: CalibrationFile = None,
    calibration_store: CalibrationStoreFile = None,
    later_calibration: Later = False,
    weights: Weights = None,
    device: Device = "auto",
    rules: Rules = None,
) -> None:
    """Measure what comes to a PACS, and send the results back, until it is stopped (Ctrl-C, SIGTERM)."""
    with exit_codes(), extra("reports,screen"):
        from ..methods import networks
        from ..screening import Measuring, PacsRequest, WatchRequest
        from ..screening import watch as run_watch

        asked = _asked(calibration, calibration_store, later_calibration, rules)
        measuring = Measuring(
            store, networks(device, weights), asked.calibration, database, scheduler, workers, rules=asked.rules
        )
        pacs = PacsRequest(address, tuple(query or ()), ca)
        counts = ""

        def started(tells: bool, dashboard: str) -> None:
            say(messages(), text("watch.changes" if tells else "watch.asking", seconds=every, url=address))
            say(messages(), text("screen.dashboard", url=dashboard))

        def told(told: "Told") -> None:
            nonlocal counts
            if counts != (counts := _done(told)):
                say(messages(), text("watch.counts", counts=counts, left=told.left))

        with suppress(KeyboardInterrupt):  # the way that it ends
            run_watch(WatchRequest(pacs, measuring, earlier, every, send_back), _Heard(), started, told)
        say(output(), text("watch.stopped"))


class _Heard:
    """Prints what happens, a line each: studies are called as their result folders are."""

    def queued(self, study: str) -> None:
        say(messages(), text("watch.queued", study=study))

    def returned(self, one: "Returned") -> None:
        key = f"watch.{one.state.value}"
        say(messages(), text(key, study=one.study, n=len(one.uids), problem=one.problem))

    def away(self, problem: str) -> None:
        say(messages(), text("watch.away", problem=problem), "yellow")

    def back(self) -> None:
        say(messages(), text("watch.back"))


def _asked(calibration: Path | None, calibration_store: Path | None, later: bool, rules: str | None) -> "MeasureSpec":
    from ..measuring import Request, measure_spec

    return measure_spec(
        Request(
            Path(),
            Path(),
            calibration_file=calibration,
            calibration_store=calibration_store,
            later_calibration=later,
            rules=rules,
        )
    )


def worklist(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="The folder that ldct-bmd screen wrote.")],
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it as .csv, .parquet or .json too.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="Print so many rows; 0: all.")] = 20,
    database: Database = None,
) -> None:
    """List what a reader should open first, and write worklist.json into the store for the panel."""
    with exit_codes(), extra("screen"):
        from ...screening.reading import publish, store_worklist, write_list
        from ..screening import opened
        from ..table import print_worklist

        with opened(store, database) as held:
            rows = store_worklist(held)
            if file is not None:
                write_list(rows, file)
            print_worklist(output(), rows, limit)
            say(output(), text("terminal.written", path=publish(held, rows)))
        if file is not None:
            say(output(), text("terminal.written", path=file))


def summary(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="The folder that ldct-bmd screen wrote.")],
    file: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.")],
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Leave out single patients, small counts, and scanners' names.")
    ] = False,
    database: Database = None,
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="BMD by age and sex of a population: drawn through BMD by age.")
    ] = None,
) -> None:
    """Sum up a programme: how many, how many not and why, categories by age and sex, scanners and their drift."""
    with exit_codes(), extra("reports,screen"):
        from ...ground.atomic import write_text
        from ...reference import reference_for
        from ...screening.summary import summarize
        from ...screening.summary_page import summary_html
        from ..screening import opened

        curve = reference_for(reference, deidentify)
        with opened(store, database) as held:
            held.take_signed()
            found = summarize(held.database.newest(), deidentify)
        write_text(file, summary_html(found, deidentify, curve))
        say(output(), text("terminal.written", path=file))


def _done(told: "Told") -> str:
    return text("screen.done", **{state.value: count for state, count in told.counts().items()})


@contextmanager
def _progress() -> Iterator["Progress"]:
    from ..screening import Progress

    with count_bar() as bar:
        total = 0

        def looked(files: int) -> None:
            bar(text("screen.looking"), files, None)

        def listed(studies: int) -> None:
            bar(text("screen.listing"), studies, None)

        def queued(studies: int, dashboard: str | None) -> None:
            nonlocal total
            total = studies
            if dashboard is not None:
                say(messages(), text("screen.dashboard", url=dashboard))

        def measured(told: "Told") -> None:
            bar(text("screen.measuring"), max(0, total - told.left), total)

        yield Progress(looked, listed, queued, measured)
