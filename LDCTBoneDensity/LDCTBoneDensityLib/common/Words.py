"""The engine's values in words, under the names that the panel calls them by."""

from ldct_bmd.reading.values import NONE
from ldct_bmd.reading.values import bmd_word as bmdWord
from ldct_bmd.reading.values import category_word as categoryWord
from ldct_bmd.reading.values import hu_words as huWords
from ldct_bmd.reading.values import level_word as levelWord
from ldct_bmd.reading.values import reason_words as reasonWords
from ldct_bmd.reading.values import state_word as stateWord
from ldct_bmd.reading.values import with_unit as withUnit

__all__ = ["NONE", "bmdWord", "categoryWord", "huWords", "levelWord", "reasonWords", "stateWord", "withUnit"]
