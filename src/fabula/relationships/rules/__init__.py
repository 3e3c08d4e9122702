"""Rules between the rows of two tables: copies, totals and times, found and measured."""
