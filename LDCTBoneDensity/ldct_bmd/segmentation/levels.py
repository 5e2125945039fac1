"""The classes of the two networks."""

# The fine network, as in Pan et al. 2020, but that cervical bodies go with the upper thoracic ones: a patch shows too
# little to tell C7 from T1, and what is half in doubt is cut in the wrong place. Sacral bone is background.
REGIONS: tuple[str, ...] = ("background", "C1-T6", "T7-T12", "lumbar")

# The coarse network's channels: bodies by level, and what anchors the names.
CHANNELS: tuple[str, ...] = (
    "background",
    "cervical",
    *(f"T{i}" for i in range(1, 13)),
    *(f"L{i}" for i in range(1, 6)),
    "sacrum",
    "rib",
)
FIRST_BODY = CHANNELS.index("cervical")
LAST_BODY = CHANNELS.index("L5")
SACRUM, RIB = CHANNELS.index("sacrum"), CHANNELS.index("rib")
