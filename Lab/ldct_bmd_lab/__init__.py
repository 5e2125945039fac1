"""The lab: synthetic torsos, training, evaluation and validation of the engine, which Slicer does not install."""

__version__ = "0.1.0"  # that of ldct_bmd; tested
