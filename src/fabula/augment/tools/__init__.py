"""Tools that conversations call: what they take, and what answers them."""
