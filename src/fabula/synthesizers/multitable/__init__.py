"""Several related tables: links, degrees, matching, sequences, and a model a table."""
