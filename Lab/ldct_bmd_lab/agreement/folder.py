"""The result folder of a validation: written whole or not at all."""

import hashlib
from dataclasses import replace
from pathlib import Path

from ldct_bmd import __version__
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.reporting.files import ResultKind, check_output_folder, write_folder

from . import tables
from .figures import write_figures
from .page import make_page
from .readings import read_readings, unused_columns
from .study import Study, analyse

SCHEMA = "ldct-bmd-validation/1"
RECORD_FILE, PAGE_FILE, FIGURES = "validation.json", "validation.html", "figures"
TABLES = {
    "agreement.csv": tables.write_agreement,
    "diagnosis.csv": tables.write_diagnosis,
    "categories.csv": tables.write_categories,
    "subgroups.csv": tables.write_subgroups,
    "precision.csv": tables.write_precision,
    "missing.csv": tables.write_missing,
}
VALIDATION = ResultKind(RECORD_FILE, SCHEMA, frozenset({RECORD_FILE, PAGE_FILE, FIGURES, *TABLES}))


def validate(source: Path, folder: Path, overwrite: bool = False, progress: Progress = silent) -> Study:
    """Read the rows of ``source``, and write tables, figures and page to ``folder``.

    Raises:
        UsageError: the rows are malformed, or the folder can't be written.
    """
    check_output_folder(folder, overwrite, VALIDATION)
    study = replace(analyse(read_readings(source), progress), unused_columns=unused_columns(source))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()

    def fill(partial: Path) -> Study:
        progress("write", 0.0)
        for name, write in TABLES.items():
            write(study, partial / name)
        (partial / FIGURES).mkdir()
        figures = write_figures(study, partial / FIGURES)
        progress("write", 0.8)
        page = make_page(study, source.name, digest, {name: path.read_bytes() for name, path in figures.items()})
        (partial / PAGE_FILE).write_text(page, encoding="utf-8")
        about = {"version": __version__, "source": source.name, "sha256": digest, "rows": len(study.readings)}
        tables.write_record(partial / RECORD_FILE, SCHEMA, about)
        progress("write", 1.0)
        return study

    return write_folder(folder, overwrite, fill, VALIDATION)
