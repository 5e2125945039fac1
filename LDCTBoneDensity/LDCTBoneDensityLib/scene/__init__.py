"""The review in a MRML scene: volumes, segments, cylinders, records."""
