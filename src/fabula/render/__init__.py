"""How results look: one stylesheet, one HTML base, one set of charts, for pages and notebooks.

Knows words, numbers and pictures, never runs or reports: those give plain values to a template.
"""
