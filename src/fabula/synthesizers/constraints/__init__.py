"""Exact relations between columns: found in training rows, kept by every sampled row."""
