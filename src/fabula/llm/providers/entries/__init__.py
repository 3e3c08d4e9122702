"""One file for each built-in provider of language models."""
