"""Training pairs: what they hold, how they are asked, read, spread over topics, and kept apart."""
