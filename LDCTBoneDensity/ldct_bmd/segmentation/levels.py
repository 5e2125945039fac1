"""The classes of the two networks."""

# The fine network (Pan et al. 2020): cervical and sacral bone are background.
REGIONS: tuple[str, ...] = ("background", "T1-T6", "T7-T12", "lumbar")

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
