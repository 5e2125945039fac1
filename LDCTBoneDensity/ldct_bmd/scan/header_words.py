"""What descriptions say of contrast agent and beam filter where the tags meant for it are silent.

Words are looked for in the languages that descriptions came in: English, German, French, Italian, Spanish, Portuguese,
Russian and Chinese. A word for "without" goes before any word for "with".
"""

import re

WITHOUT = re.compile(
    r"\b(WITHOUT|W ?/ ?O|WO|NON?[- ]?(CONTRAST|ENHANCED|CE|CON|IV|INJ\w*)|NC|NECT|NCCT|UNENHANCED|PLAIN)\b"
    r"|\bPRE[- ]?CONTRAST\b"
    r"|\b(NATIV\w*|OHNE|O ?\. ?KM|SANS|SENZA|SIN|SEM|BEZ)\b|\bC ?-(?!\w)|БЕЗ|НАТИВ|平扫|非增强|无造影|无对比"
)
# "Enhanced" and "contrast" are also said of edges and windows, "C" of the cervical spine.
WITH = re.compile(
    r"\b(WITH|W) ?/? ?(IV )?(CON|CONTRAST)\b|\bW ?/ ?C\b(?! ?-)|\b(WITH|W)( IV)? C\b(?! ?-)|\b(CE|POST)[- ]?CONTRAST\b"
    r"|(?<!EDGE )(?<!EDGE-)(?<!LUNG )(?<!BONE )(?<!HIGH )(?<!LOW )\b(ENHANCED|CONTRASTE?D?)\b|\bCECT\b"
    r"|\b(ARTERIAL|ART(ERIELL)?|VENOUS|PV) PH(ASE)?\b|\bPORTAL\b|\b(VENOUS|VEN[OÖ]E?S\w*|VEINEUX|VENOS[AO])\b"
    r"|\b(KM|INJ(ECTE|ECTED)?|AVEC|MDC|IV ?\+)\b|\bC ?\+(?!\w)|\+ ?C\b|КОНТРАСТ|增强|动脉期|静脉期|门脉期"
)
# What an agent is called that was not given.
NO_AGENT = re.compile(
    r"(NONE( GIVEN)?|NO|N|N/?A|NIL|0|NOT APPLICABLE|NATIV\w*|UNENHANCED|(NO|NON)[- ]?CONTRAST|WITHOUT( CONTRAST)?"
    r"|OHNE|SANS|SENZA|SIN|SEM|KEINE?S?|NESSUNO|NINGUNO|AUCUN|БЕЗ|НЕТ|无|平扫|-+)"
)
# Siemens: "Sn120" is 120 kV behind a tin filter.
TIN = re.compile(r"(?<![A-Z])SN[- ]?\d{2,3}(?!\d)|\bTIN\b|ZINN")


def says_contrast(text: str) -> bool:
    """Return whether a description says that a contrast agent was given."""
    words = _words(text)
    return WITHOUT.search(words) is None and WITH.search(words) is not None


def says_none(agent: str) -> bool:
    """Return whether what stands in the place of an agent's name says that there was none."""
    return NO_AGENT.fullmatch(agent.strip().upper()) is not None


def says_tin(text: str) -> bool:
    """Return whether a description or a filter's material names tin."""
    return TIN.search(_words(text)) is not None


def _words(text: str) -> str:
    return text.upper().replace("_", " ")
