"""One file for each built-in synthesizer: what is known of it without an import of its model."""
