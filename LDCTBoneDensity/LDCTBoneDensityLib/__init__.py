"""The Slicer side: all that touches MRML, VTK or Qt. It calls the engine; no number is computed here."""
