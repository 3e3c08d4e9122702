"""Python functions of the user's: found in files that specs name, permitted, and called."""
