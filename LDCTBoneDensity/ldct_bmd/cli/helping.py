"""What stands below the help of every command: examples, exit codes, environment variables; each in this one place."""

import typer

from .terminal import EXIT_CANCELLED, EXIT_CANNOT_MEASURE, EXIT_OUT_OF_REACH, EXIT_PIPE_CLOSED, EXIT_USAGE

# The examples are commands of the documentation, and a test runs their parsing.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "measure": (
        "ldct-bmd measure SCAN_FOLDER -o result --report",
        "ldct-bmd measure ct.nii.gz -o result --calibration-store site.db",
        "ldct-bmd measure ct.nii.gz -o result --segmentation total.nii.gz --segmentation-values totalsegmentator "
        "--segmentation-parts whole",
    ),
    "report": (
        "ldct-bmd report result --input SCAN_FOLDER",
        "ldct-bmd report result --input SCAN_FOLDER --prior earlier/measurement.json --lsc 8",
        "ldct-bmd report result --input SCAN_FOLDER --prior earlier --prior-scan EARLIER_SCAN_FOLDER",
        "ldct-bmd report result --input SCAN_FOLDER --seg-form labelmap --fhir",
    ),
    "sign": ('ldct-bmd sign result --reader "Dr. Name" --fracture L1=2',),
    "unsign": ('ldct-bmd unsign result --reader "Dr. Name"',),
    "send": (
        "ldct-bmd send result --dicomweb https://pacs.example/dicom-web",
        "ldct-bmd send result --dimse PACS@pacs.example:11112 --tls",
    ),
    "series": ("ldct-bmd series SCAN_FOLDER", "ldct-bmd measure SCAN_FOLDER -o result --series UID"),
    "screen": ("ldct-bmd screen SCANS --store programme --workers 4", "ldct-bmd worklist programme"),
    "worklist": ("ldct-bmd worklist programme --limit 50 -o worklist.csv",),
    "summary": ("ldct-bmd summary programme -o summary.html --deidentify",),
    "review": (
        "ldct-bmd review result --input SCAN_FOLDER",
        "ldct-bmd review SCAN_FOLDER -o result",
        'ldct-bmd review programme --reader "Dr. Name"',
    ),
    "schema": ("ldct-bmd schema > measurement.schema.json",),
    "phantom": ("ldct-bmd phantom -o scan", "ldct-bmd measure scan/dicom -o result --report"),
    "calibrate phantom": ('ldct-bmd calibrate phantom SCAN --phantom phantom.json --operator "Name" --store site.db',),
    "calibrate pairs": (
        'ldct-bmd calibrate pairs pairs.csv --like SCAN --material K2HPO4 --operator "Name" -o site.json',
    ),
    "calibrate drift": ("ldct-bmd calibrate drift --store site.db -o drift.png",),
}
EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "a defect of the software",
    EXIT_USAGE: "the request is wrong",
    EXIT_CANNOT_MEASURE: "the input can't be measured",
    EXIT_OUT_OF_REACH: "could not write, or could not reach",
    EXIT_CANCELLED: "cancelled",
    EXIT_PIPE_CLOSED: "the reader of a pipe has gone",
}
VARIABLES: dict[str, str] = {
    "LDCT_BMD_LANGUAGE": "language of all that is said and written: en or zh",
    "LDCT_BMD_SHARED": "1: permissions of what is written follow the umask, not only you",
    "LDCT_BMD_DATABASE": "address of the screening database, as --database",
    "LDCT_BMD_PACS_USER": "user of a DICOMweb server",
    "LDCT_BMD_PACS_PASSWORD": "that user's password",
    "LDCT_BMD_PACS_TOKEN": "bearer token of a DICOMweb server, in place of user and password",
    "LDCT_BMD_KEY_PASSWORD": "password of the site's private key, for sign --key",
    "LDCT_BMD_DEIDENTIFY_KEY": "secret that gives de-identified copies the same UIDs in each export",
}
_SEPARATE = "\n\n"  # Typer keeps such lines apart


def add_help(app: typer.Typer) -> None:
    """Put examples, exit codes and variables below the help of the commands of ``app`` and of its groups."""
    app.info.epilog = _SEPARATE.join([_codes(), "Environment variables:", *map(_variable, VARIABLES)])
    groups = [group.typer_instance for group in app.registered_groups if group.typer_instance is not None]
    for held in (app, *groups):
        group = "" if held is app else f"{held.info.name} "
        for command in held.registered_commands:
            name = str(command.name or getattr(command.callback, "__name__", "")).rstrip("_")
            examples = [f"Example:  {example}" for example in EXAMPLES.get(group + name, ())]
            command.epilog = _SEPARATE.join([*examples, _codes()])


def _codes() -> str:
    return "Exit codes:  " + ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."


def _variable(name: str) -> str:
    return f"{name}:  {VARIABLES[name]}"
