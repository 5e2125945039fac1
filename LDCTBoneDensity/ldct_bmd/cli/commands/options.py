"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Input = Annotated[Path, typer.Argument(metavar="INPUT", help="A DICOM folder, or a NIfTI, NRRD or MHA file.")]
OutputFolder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")]
SegForm = Annotated[
    str | None,
    typer.Option(
        metavar="binary|labelmap",
        help="The report's DICOM segmentations: binary, or label maps (Supplement 243).  \\[default: binary]",
    ),
]
FHIR = Annotated[
    bool, typer.Option("--fhir", help="Add report.fhir.json to the report: FHIR R4B, for a hospital's record.")
]
Reference = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="BMD by age and sex of a population: adds Z-score and curve to the report."),
]
Device = Annotated[str, typer.Option(metavar="D", help="Where the network runs: auto, cpu, cuda or mps.")]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="coarse-fine|pan2020",
        help="The two networks of this software, or the one of Pan et al. 2020.  \\[default: coarse-fine]",
    ),
]
Rules = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="Which BMD is called what: acr, china, east-asian-women, or a site's own file.  \\[default: acr]",
    ),
]
