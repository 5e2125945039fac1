"""Widgets of `Libs/MRML/Widgets` and `Base/QTGUI`, offered as `slicer.<name>`."""
