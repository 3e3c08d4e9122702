"""Speech from rows: recordings with the time of each word."""
