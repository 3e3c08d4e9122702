"""Rules across tables in a fit and its samples: found, learned as distances, computed."""
