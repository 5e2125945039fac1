"""Views of the record and of the scan: files, markups, pictures."""
