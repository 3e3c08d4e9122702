"""JSON Schema: rewritten for endpoints, described in words, and filled with sample values."""
