"""One file for each built-in file format."""
