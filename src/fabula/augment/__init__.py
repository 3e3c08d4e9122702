"""More rows: typed rows from a prompt, rows added to a table, training pairs."""
