"""k-anonymity, l-diversity and t-closeness at the least loss, for tables of any size."""
