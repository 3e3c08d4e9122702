"""The default model: columns one after the other, each drawn by gradient-boosted decisions."""
