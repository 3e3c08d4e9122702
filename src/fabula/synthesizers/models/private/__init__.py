"""Differential privacy: a synthesizer that learns from noisy counts alone.

`fitting` reads the domain that the user gave (`domain`), learns a tree of noisy two-column tables
(`tree`) with noise and accounting from OpenDP (`accounting`), and says on the card what it cost.
"""
