"""One file for each built-in synthesizer: what is known about it without an import of its model."""
