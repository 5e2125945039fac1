"""The site's calibrations: the section, the window, the store."""
