"""Masking beside Presidio, presidio-structured, Faker and SQL, in one run on the same data."""
