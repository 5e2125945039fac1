"""What several rooms of the lab stand on: journals of long runs, CSV files, the look of figures."""
