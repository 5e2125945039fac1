"""Calibration from a scan of a phantom: its description, finding it, measuring its rods, fitting the line."""
