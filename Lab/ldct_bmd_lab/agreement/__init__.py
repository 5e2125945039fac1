"""Agreement of predicted BMD with a reference, and diagnosis by it: the statistics of a validation study."""

from .readings import Reading, read_readings
from .study import Study, analyse

__all__ = ["Reading", "Study", "analyse", "read_readings"]
