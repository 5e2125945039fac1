"""A polychromatic scanner: what a spectrum, a body and a water correction make of a material's HU.

Spectra are SpekPy's, attenuation is xraydb's; both come with the lab's extra ``physics``. What the engine needs of them
it ships as a table, which ``ldct-bmd spectra`` makes.
"""
