"""The report for people: one model made from the record, and HTML and PDF as views of it."""
