"""Masking of real data, and the search for real values in what was written."""
