"""Schemas that other tools declare, as the schema that a database has."""
