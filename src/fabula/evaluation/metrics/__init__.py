"""How synthetic data compares with real data: pure functions of prepared frames.

`prepare` aligns the tables once; every metric takes the `Frames` and returns a `MetricResult`.
"""
