"""One file for each built-in destination."""
