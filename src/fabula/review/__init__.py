"""Human review: rows in a spreadsheet, and the notes that come back."""
