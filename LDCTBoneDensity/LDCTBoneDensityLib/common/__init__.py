"""What all rooms of the module share: signals, words, notes."""
