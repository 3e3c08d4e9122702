"""Masking: partially synthetic data whose people cannot be found again without the key."""
