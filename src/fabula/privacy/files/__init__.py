"""Files of a masking: what changes is written over, and every other byte is copied."""
