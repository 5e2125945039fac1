"""Where an export goes, and how the panel and the engine's process agree on it."""

from enum import Enum

JOB, RESULT = "job.json", "result.json"  # in a job's folder
VOXELS, BODIES, LABELS = "hu.npy", "bodies.npy", "labels.npy"
OUT = "out"  # in a job's folder: where it is written first that goes on to a preview, a database or a PACS
REPORTED = "reported"  # in a job and its result: the structured report that was exported last


class Destination(str, Enum):
    """Where an export goes."""

    FOLDER = "folder"
    DATABASE = "database"
    PACS = "pacs"
    PREVIEW = "preview"
