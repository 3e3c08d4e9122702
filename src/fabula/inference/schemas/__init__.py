"""A spec from what a database promises of its tables."""
