"""Times and numbers that stand in texts of one form."""
