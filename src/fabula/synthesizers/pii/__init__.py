"""Personal details: found in training rows, and made anew for every sampled row."""
