"""A local page to look at runs and files: rows, columns, rejected rows, reports and specs."""
