"""Small pictures, learned from a folder: read, learn, sample, judge."""
