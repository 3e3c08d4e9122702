"""The search for real values in what was written."""

from fabula.privacy.scan.leaks import Leak, ScanReport
from fabula.privacy.scan.scanning import scan

__all__ = ["Leak", "ScanReport", "scan"]
