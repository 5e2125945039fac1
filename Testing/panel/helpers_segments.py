"""Segmentations in the scene, as a reader or another module would have made them."""

from typing import Any

from panel_fixtures import PhantomFiles


def true_bodies(volume: Any, files: PhantomFiles) -> Any:
    """The phantom's true bodies as a segmentation."""
    from ldct_bmd.examination import bodies_in
    from LDCTBoneDensityLib.scene.VertebraSegments import VertebraSegments

    node = VertebraSegments.create(volume, bodies_in(files.bodies))
    node.SetName("True bodies")
    node.GetDisplayNode().SetVisibility(False)
    return node
