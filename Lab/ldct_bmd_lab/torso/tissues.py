"""Label values of the prepared atlas.

Values 1-24 (vertebrae), 40-56 (organs) and 60-89 (ribs, sternum, girdles) are those of the torso atlas; the others are
made from it: arches are split from bodies, discs moved out of the way, and what the atlas leaves empty is filled.
"""

import numpy as np

AIR = 0
CERVICAL = tuple(range(1, 8))
BODIES = tuple(range(1, 25))  # C1 = 1 ... L5 = 24
TRUNK_BODIES = BODIES[7:]  # T1 to L5
L6 = 25  # where there is one; VerSe's value
ARCH_OFFSET = 100  # the arch of body b is b + 100
ARCHES = tuple(body + ARCH_OFFSET for body in (*BODIES, L6))
ATLAS_DISCS = range(100, 117)
DISC_OFFSET = 40  # the atlas's disc d becomes d + 40
DISCS = tuple(value + DISC_OFFSET for value in ATLAS_DISCS)
MUSCLE, LUNG, TRACHEA, ESOPHAGUS, AORTA, VENA_CAVA, LIVER, SPLEEN = 40, 41, 42, 43, 44, 45, 46, 47
KIDNEYS = (48, 49)
STOMACH, GALLBLADDER, PANCREAS, DUODENUM, SMALL_BOWEL, COLON, PULMONARY_VEIN = 50, 51, 52, 53, 54, 55, 56
HOLLOW = (STOMACH, DUODENUM, SMALL_BOWEL, COLON)
RIBS = tuple(range(60, 84))
LAST_RIBS = (71, 83)
CARTILAGE, STERNUM, CLAVICLE, HUMERUS, HIP, SACRUM = 84, 85, 86, 87, 88, 89
GIRDLE_BONES = (STERNUM, CLAVICLE, HUMERUS, HIP, SACRUM)
INNER = 200  # inside the trunk, unlabelled: fat and muscle
HEART = 202
CANAL = 203
SCAPULA = 204
# What lies beyond the atlas's ends, drawn by rule.
BRAIN, SKULL, FACE, FEMUR, THIGH = 205, 206, 207, 208, 209
UNKNOWN = 255  # nobody labelled here, or the anatomy ends


def member(labels: tuple[int, ...] | range) -> np.ndarray:
    """Return a boolean array of 256 entries: is this label one of ``labels``?"""
    out = np.zeros(256, dtype=bool)
    out[list(labels)] = True
    return out
