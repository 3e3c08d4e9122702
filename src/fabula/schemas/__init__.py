"""Schemas that other tools declare, as the schema that a database has."""

DECLARING = (".json", ".yaml", ".yml")
"""Endings of files that may declare tables."""
