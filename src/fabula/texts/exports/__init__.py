"""Tables into sets that models are trained with: examples, splits, token counts, and their check."""
