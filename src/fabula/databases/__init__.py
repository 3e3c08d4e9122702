"""Databases: their schemas, their rows, and rows into them."""
