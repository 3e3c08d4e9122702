"""What language models make besides the columns of a spec: rows of a class, rows for a table."""
