"""Hybrid data: real rows with learned columns, and real rows beside synthetic ones."""
