"""Measuring, exporting and searching a phantom: the engine's runs, and what they need."""
