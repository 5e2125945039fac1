"""What a reader sets in the panel, kept in the scene's parameter node: no path, a scene is passed on."""

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class Parameters:
    """Settings of the panel.

    Attributes:
        inputVolume: the CT scan.
        sourceSegmentation: vertebrae that are in the scene already; None: the built-in network finds them.
        sourceIsWhole: its segments are whole vertebrae, not bodies alone.
        device: where the network runs: auto, cpu, cuda or mps.
        levels: the levels to measure, with commas.
        calibration: as JSON; "" for what the site's store has for the scan, the nominal one where no store is named.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    sourceSegmentation: vtkMRMLSegmentationNode
    sourceIsWhole: bool = False
    device: str = "auto"
    levels: str = "T12, L1, L2"
    calibration: str = ""
