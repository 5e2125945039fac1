"""What every room stands on: errors, progress, plain values."""
