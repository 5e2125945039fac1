"""``ldct-bmd screen`` and ``worklist``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...words import text
from ..extras import extra
from ..terminal import count_bar, exit_codes, messages, output, say
from .options import Device, Rules

if TYPE_CHECKING:
    from ...screening.run import Told
    from ..screening import Progress

StoreFolder = Annotated[Path, typer.Option("--store", metavar="DIR", help="The folder of the programme's results.")]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="LDCT_BMD_DATABASE",
        help="Of the database, such as postgresql+psycopg://user@host/name.  [default: SQLite in the store]",
    ),
]


def screen(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", help="Folder trees, scans, or manifests (CSV with path and series)."),
    ],
    store: StoreFolder,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes of this machine.  [default: one a core]")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="URL", help="Of a Dask cluster, such as tcp://host:8786.")
    ] = None,
    database: Database = None,
    calibration: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A calibration file, in place of the nominal one.")
    ] = None,
    calibration_store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Pick the calibration that fits each scan from this store.")
    ] = None,
    later_calibration: Annotated[
        bool, typer.Option("--later-calibration", help="Take one made after the scan where none is before it.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights that ldct-bmd pack wrote, not the shipped ones.")
    ] = None,
    device: Device = "auto",
    rules: Rules = None,
    report: Annotated[bool, typer.Option(help="Write report.html, report.pdf, tables and dicom/ too.")] = True,
    again: Annotated[
        bool, typer.Option("--again", help="Measure again what failed, or what another version measured.")
    ] = False,
) -> None:
    """Measure all scans of a programme, each once; what was interrupted resumes."""
    with exit_codes(), extra("reports,screen"):
        from ..measuring import Request, measure_spec
        from ..methods import networks
        from ..screening import ScreenRequest
        from ..screening import screen as run_screen

        asked = measure_spec(
            Request(
                Path(),
                Path(),
                calibration_file=calibration,
                calibration_store=calibration_store,
                later_calibration=later_calibration,
                rules=rules,
            )
        )
        request = ScreenRequest(
            tuple(inputs),
            store,
            networks(device, weights),
            asked.calibration,
            database,
            scheduler,
            workers,
            report,
            again,
            asked.rules,
        )
        with _progress() as progress:
            told = run_screen(request, progress)
        say(output(), _done(told))


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
) -> None:
    """Sum up a programme: how many, how many not and why, categories by age and sex, scanners and their drift."""
    with exit_codes(), extra("reports,screen"):
        from ...ground.atomic import write_text
        from ...screening.summary import summarize
        from ...screening.summary_page import summary_html
        from ..screening import opened

        with opened(store, database) as held:
            held.take_signed()
            found = summarize(held.database.newest(), deidentify)
        write_text(file, summary_html(found, deidentify))
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

        def queued(studies: int, dashboard: str | None) -> None:
            nonlocal total
            total = studies
            if dashboard is not None:
                say(messages(), text("screen.dashboard", url=dashboard))

        def measured(told: "Told") -> None:
            bar(text("screen.measuring"), max(0, total - told.left), total)

        yield Progress(looked, queued, measured)
