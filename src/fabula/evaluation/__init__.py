"""How synthetic data compares with real data: metrics, gates on them, and the report."""
