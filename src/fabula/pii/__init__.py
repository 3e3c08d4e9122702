"""Personal details, found by what values are; the name of a column is a hint and no more."""

from fabula.pii.finding import find, find_in_table
from fabula.pii.kinds import Finding

__all__ = ["Finding", "find", "find_in_table"]
