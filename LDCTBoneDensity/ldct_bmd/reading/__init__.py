"""What a reader sees and may do, in words and plain values, whatever face shows it."""
