"""What was planned, made and found, rendered for people."""
