"""What calls cost and what they returned: ledger, budget, prices, batches."""
