"""Files from rows: documents with their ground truth, and scans of them (extra `media`)."""
