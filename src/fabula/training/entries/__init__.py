"""One file for each built-in training format."""
