"""``ldct-bmd calibrate``: calibrations from phantoms and from paired data, the site's store, drift."""

from pathlib import Path
from typing import Annotated

import typer

from ..ground.clock import now
from ..words import text
from .terminal import exit_codes, output, progress_bar, say

calibrate = typer.Typer(
    name="calibrate",
    help="Calibrate a scanner, keep its calibrations, watch their drift.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Store = Annotated[Path, typer.Option("--store", metavar="FILE", help="The site's calibration store.")]
MaybeStore = Annotated[
    Path | None, typer.Option("--store", metavar="FILE", help="Keep the calibration in this store too.")
]
Operator = Annotated[str, typer.Option(metavar="NAME", help="Who does this; kept with the calibration.")]
ToFile = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the calibration (JSON).")]
Picture = Annotated[Path | None, typer.Option(metavar="PNG", help="Write a picture to look at.")]
ValidDays = Annotated[int, typer.Option(metavar="DAYS", help="How long it holds for scans after it.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")]
Identifier = Annotated[str, typer.Argument(metavar="ID", help="The calibration's identifier, or how it begins.")]
DEFAULT_VALID_DAYS = 62


@calibrate.command()
def phantom(
    scan: Annotated[Path, typer.Argument(metavar="SCAN", help="A DICOM folder, or a NIfTI, NRRD or MHA file.")],
    phantom: Annotated[str, typer.Option(metavar="FILE", help="The phantom's description, or an example's name.")],
    operator: Operator,
    series: Annotated[str | None, typer.Option(metavar="UID", help="This series, not the best one.")] = None,
    points: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Points in the rods (rod,x,y,z in LPS mm), two in each.")
    ] = None,
    file: ToFile = None,
    picture: Picture = None,
    store: MaybeStore = None,
    valid_days: ValidDays = DEFAULT_VALID_DAYS,
    overwrite: Overwrite = False,
) -> None:
    """Calibrate from a scan of a phantom: find its rods, measure them, fit the line."""
    with exit_codes():
        from .calibration_print import print_rods
        from .calibration_work import check_outputs, from_phantom, keep

        check_outputs((file, picture), overwrite)
        with progress_bar() as progress:
            measured, calibration, image = from_phantom(
                scan, phantom, series, points, operator, valid_days, picture is not None, progress
            )
        print_rods(output(), measured)
        keep(output(), calibration, file, picture, image, store, operator, now())


@calibrate.command()
def pairs(
    csv: Annotated[Path, typer.Argument(metavar="CSV", help="Columns mean_hu, reference_bmd_mg_cm3[, level, ...].")],
    like: Annotated[
        Path, typer.Option(metavar="SCAN", help="One of the scans: its scanner, kVp, filter, kernel and date are kept.")
    ],
    material: Annotated[str, typer.Option(help="Of the reference BMD: K2HPO4 or hydroxyapatite.")],
    operator: Operator,
    scanner: Annotated[str | None, typer.Option(metavar="NAME", help="Which of the scanners in the CSV.")] = None,
    file: ToFile = None,
    picture: Picture = None,
    store: MaybeStore = None,
    valid_days: ValidDays = DEFAULT_VALID_DAYS,
    overwrite: Overwrite = False,
) -> None:
    """Calibrate from vertebrae that were measured by another method too, by ordinary least squares."""
    with exit_codes():
        from .calibration_print import print_pairs
        from .calibration_work import check_outputs, from_pairs, keep

        check_outputs((file, picture), overwrite)
        fitted, calibration, image = from_pairs(csv, like, material, operator, scanner, valid_days, picture is not None)
        print_pairs(output(), fitted)
        keep(output(), calibration, file, picture, image, store, operator, now())


@calibrate.command("list")
def list_(
    store: Store,
    retired: Annotated[bool, typer.Option("--retired", help="Those that are retired too.")] = False,
) -> None:
    """List the calibrations in a store."""
    with exit_codes():
        from ..calibration.store import CalibrationStore
        from .calibration_print import print_list

        print_list(output(), [one for one in CalibrationStore(store).all() if retired or one.retired is None])


@calibrate.command()
def show(identifier: Identifier, store: Store) -> None:
    """Show all that is known of one calibration."""
    with exit_codes():
        from ..calibration.store import CalibrationStore
        from .calibration_print import print_one

        print_one(output(), CalibrationStore(store).get(identifier))


@calibrate.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A calibration file (JSON).")],
    store: Store,
    operator: Operator,
) -> None:
    """Add a calibration file to a store."""
    with exit_codes():
        from ..calibration import load_calibration
        from ..calibration.store import CalibrationStore

        calibration = load_calibration(file)
        new = CalibrationStore(store).add([calibration], now(), operator)
        key = "store.added" if new else "store.already_there"
        say(output(), text(key, name=calibration.name, identifier=calibration.identifier))


@calibrate.command()
def retire(
    identifier: Identifier,
    store: Store,
    because: Annotated[str, typer.Option(metavar="TEXT", help="Why it must no longer be used.")],
    operator: Operator,
) -> None:
    """Mark a calibration as not to be chosen any more; it stays in the store."""
    with exit_codes():
        from ..calibration.store import CalibrationStore

        stored = CalibrationStore(store).retire(identifier, because, now(), operator)
        named = {"name": stored.calibration.name, "identifier": stored.calibration.identifier}
        say(output(), text("store.retired", **named))


@calibrate.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write (JSON).")],
    store: Store,
    overwrite: Overwrite = False,
) -> None:
    """Write all calibrations that are not retired to one file, for another site or as a copy."""
    with exit_codes():
        from ..calibration.files import export_text
        from ..calibration.store import CalibrationStore
        from ..ground.atomic import write_text
        from .calibration_work import check_outputs

        check_outputs((file,), overwrite)
        active = [one.calibration for one in CalibrationStore(store).all() if one.retired is None]
        write_text(file, export_text(active))
        say(output(), text("store.exported", path=file, calibrations=len(active)))


@calibrate.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported file, or one calibration (JSON).")],
    store: Store,
    operator: Operator,
) -> None:
    """Add all calibrations of a file to a store, or none if one of them can't be kept."""
    with exit_codes():
        from ..calibration.files import load_calibrations
        from ..calibration.store import CalibrationStore

        listed = load_calibrations(file)
        new = CalibrationStore(store).add(listed, now(), operator)
        say(output(), text("store.imported", new=len(new), calibrations=len(listed)))


@calibrate.command()
def drift(
    store: Store,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PNG|CSV", help="Write the chart, or its numbers.")
    ] = None,
    like: Annotated[
        str | None, typer.Option(metavar="ID", help="The series of this calibration; needed where there are several.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Show a scanner's phantom calibrations over time, with control limits, jumps, trends and missed months."""
    with exit_codes():
        from ..ground.atomic import write_bytes
        from .calibration_print import print_drift
        from .calibration_work import check_outputs, drift_file, series_in

        check_outputs((file,), overwrite)
        series = series_in(store, like)
        if file is not None:
            write_bytes(file, drift_file(series, file))
        print_drift(output(), series)
        if file is not None:
            say(output(), text("terminal.written", path=file))
