"""Times and numbers that are in texts of one form."""
