"""Language models: one interface, servers behind it, a cache of replies, rows from replies."""
