"""The prompt format for small models that continue a text."""
