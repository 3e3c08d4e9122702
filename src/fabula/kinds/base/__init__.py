"""What column kinds are made of: parameters, and the facts that every kind or distribution has."""
