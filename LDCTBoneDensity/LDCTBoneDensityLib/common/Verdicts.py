"""What of a record waits for the reader's verdict, under the names that the panel calls it by."""

from ldct_bmd.reading.verdicts import fracture_of as fractureOf
from ldct_bmd.reading.verdicts import fracture_word as fractureWord
from ldct_bmd.reading.verdicts import has_doubtful_outline as hasDoubtfulOutline
from ldct_bmd.reading.verdicts import suggested_grades as suggestedGrades

__all__ = ["fractureOf", "fractureWord", "hasDoubtfulOutline", "suggestedGrades"]
