"""What a job is: frozen dataclasses of plain values, so that a job can be kept in a file and sent to another machine.

Arrays do not fit into a spec: they lie next to it, see :mod:`.folder`. Paths in a spec are texts.
"""

from dataclasses import dataclass, field
from enum import Enum

from ..anatomy import TARGET_LEVELS
from ..calibration import NOMINAL, Calibration
from ..calibration.phantom.description import PhantomDescription
from ..reporting.output import EarlierReport, Output
from ..rules import RuleSet
from ..scan import Geometry
from ..scan.volume import Volume
from ..segmentation.label_values import AnyValues, ListedLevel, Parts


@dataclass(frozen=True)
class InputScan:
    """A scan that is read from a DICOM folder or a volume file.

    Attributes:
        series: None: the best one.
        files: the DICOM files of one study under ``path``; empty: all that lie there.
    """

    path: str
    series: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Networks:
    """The networks that find the vertebral bodies.

    Attributes:
        weights: a file; None: the weights that ship.
        method: see :data:`.segmentation.weights.METHODS`; None: the product's own.
    """

    device: str = "auto"
    weights: str | None = None
    method: str | None = None


@dataclass(frozen=True)
class LabelMap:
    """A ready label map in place of the networks.

    Attributes:
        path: a file; None: the labels lie next to the spec, on the grid of its volume.
        listed: which value is which level, if ``values`` is "list".
    """

    values: AnyValues
    parts: Parts
    path: str | None = None
    listed: tuple[ListedLevel, ...] = ()


@dataclass(frozen=True)
class StoreChoice:
    """The calibration of a site's store that fits the scan; ``allow_later``: one made after the scan may do."""

    path: str
    allow_later: bool = False


@dataclass(frozen=True)
class ResultFolder:
    """Where the result is written, and whether with a report.

    Attributes:
        on_request: what the report has only if asked.
        reference: the file of a population with whose curve the report compares the patient.
    """

    path: str
    overwrite: bool = False
    report: bool = False
    on_request: tuple[Output, ...] = ()
    reference: str | None = None


@dataclass(frozen=True)
class MeasureSpec:
    """A measurement.

    Attributes:
        source: a volume's voxels lie next to the spec.
        result: None: record and bodies are laid next to the spec.
        priors: records of earlier examinations of the patient, whose change the report shows.
        prior_scans: their scans, in their order, in which the report measures the same places; None: not at hand.
        rules: which BMD is called what; None: the ACR's rule set.
    """

    source: Volume | InputScan
    segmentation: Networks | LabelMap = field(default_factory=Networks)
    calibration: Calibration | StoreChoice = NOMINAL
    levels: tuple[str, ...] = TARGET_LEVELS
    result: ResultFolder | None = None
    priors: tuple[str, ...] = ()
    prior_scans: tuple[InputScan | None, ...] = ()
    rules: RuleSet | None = None


@dataclass(frozen=True)
class PhantomSpec:
    """The search for a phantom's rods; without ``search`` the scan is only read."""

    source: Volume | InputScan
    phantom: PhantomDescription
    search: bool = True


class Destination(str, Enum):
    """Where an export goes; all but FOLDER are written into the job's own folder first."""

    FOLDER = "folder"
    DATABASE = "database"
    PACS = "pacs"
    PREVIEW = "preview"


@dataclass(frozen=True)
class ExportSpec:
    """An export of a reviewed examination, whose record, voxels and bodies lie next to the spec.

    Attributes:
        stored: the scan's grid before reorientation.
        files: the DICOM files of the scan; empty if there are none.
        folder: of a FOLDER.
        home: the result folder that the review is of, whose report knows what it compares with; None: ``folder``.
        pacs: https://... for DICOMweb, or TITLE@HOST:PORT.
        tls: encrypt TITLE@HOST:PORT.
        priors: records of earlier examinations.
        prior_scans: their scans, in their order; None: not at hand.
        earlier: the structured report that was exported last.
        reference: the file of a population with whose curve the report compares the patient.
    """

    stored: Geometry
    outputs: tuple[Output, ...]
    destination: Destination
    files: tuple[str, ...] = ()
    folder: str | None = None
    pacs: str = ""
    tls: bool = False
    deidentify: bool = False
    priors: tuple[str, ...] = ()
    prior_scans: tuple[InputScan | None, ...] = ()
    earlier: EarlierReport | None = None
    reference: str | None = None
    home: str | None = None


Spec = MeasureSpec | PhantomSpec | ExportSpec
