"""The PDF report encapsulated, and the overview as a secondary capture."""

import io

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, SecondaryCaptureImageStorage

from . import codes
from .context import Context, code_item


def encapsulate_pdf(context: Context, pdf: bytes, title: str) -> Dataset:
    """Return the PDF as an Encapsulated PDF object that refers to the source images and to the structured report."""
    dataset = context.new_dataset("report", EncapsulatedPDFStorage, pdf)
    dataset.ConversionType = "WSD"
    dataset.AcquisitionDateTime = ""
    dataset.BurnedInAnnotation = "NO" if context.deidentified else "YES"
    dataset.SourceInstanceSequence = [*context.image_references(), context.report_reference()]
    dataset.DocumentTitle = title
    dataset.ConceptNameCodeSequence = [code_item(codes.REPORT_TITLE)]
    signed = context.examination.signature is not None and not context.deidentified
    dataset.VerificationFlag = "VERIFIED" if signed else "UNVERIFIED"
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return dataset


def capture(context: Context, png: bytes) -> Dataset:
    """Return a picture, which names no patient, as a colour Secondary Capture object."""
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.uint8)
    dataset = context.new_dataset("overview", SecondaryCaptureImageStorage)
    dataset.ConversionType = "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = dataset.Laterality = ""
    dataset.BurnedInAnnotation = "NO"
    dataset.SourceImageSequence = context.image_references()
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB"
    return dataset
