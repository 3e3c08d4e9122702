"""Language models: the interface, the servers behind it, the cache of replies, and rows of replies."""
