"""Personal details, found by what values are; the name of a column is a hint and no more."""

from fabula.pii.finding import Finding, find, find_in_table

__all__ = ["Finding", "find", "find_in_table"]
