"""Columns as cells: each codec turns values of one family into small integers and back."""
