"""Personal details: found in training rows, and newly generated for every sampled row."""
