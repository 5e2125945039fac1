"""The numbers of a review as a table in the scene, in the columns of the report's CSV."""

import csv
import io
from typing import Any

import vtk

from ldct_bmd.examination import Examination
from ldct_bmd.reporting.tables import levels_csv
from ldct_bmd.words import text

from .SceneReview import SceneReview
from .Study import fileUnder

TABLE_REFERENCE = "LDCTBoneDensity.Table"


def rowsOf(examination: Examination) -> list[list[str]]:
    """Return the column names, then one row for each measured level."""
    return list(csv.reader(io.StringIO(levels_csv(examination))))


def asText(examination: Examination) -> str:
    """Return the rows as a spreadsheet takes them from the clipboard."""
    return "\n".join("\t".join(row) for row in rowsOf(examination))


def makeTable(review: SceneReview) -> Any:
    """Return the review's table node with the numbers as they are now; made if there is none."""
    node = review.node.GetNodeReference(TABLE_REFERENCE)
    if node is None:
        scene = review.node.GetScene()
        node = scene.AddNewNodeByClass("vtkMRMLTableNode", text("scene.table", name=review.volumeNode.GetName()))
        review.node.SetNodeReferenceID(TABLE_REFERENCE, node.GetID())
        fileUnder(review.volumeNode, [node])
    wasModified = node.StartModify()
    node.RemoveAllColumns()
    for name, *cells in zip(*rowsOf(review.examination), strict=True):
        node.AddColumn(_column(name, cells))
    node.EndModify(wasModified)
    return node


def _column(name: str, cells: list[str]) -> Any:
    """Return numbers where all cells are numbers, else texts."""
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        column = vtk.vtkStringArray()
        column.SetName(name)
        for cell in cells:
            column.InsertNextValue(cell)
        return column
    column = vtk.vtkDoubleArray()
    column.SetName(name)
    for number in numbers:
        column.InsertNextValue(number)
    return column
