"""Tables into sets to train models with: examples, splits, token counts, and their check."""
