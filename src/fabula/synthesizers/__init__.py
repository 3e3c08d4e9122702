"""Learned tables: real columns become cell codes, a model learns the codes, new rows come back.

`columns/` turns values into codes and back, `model.py` says what a model over codes does, and
`synthesizer.py` joins both into what users hold.
"""
