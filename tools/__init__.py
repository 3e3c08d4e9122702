"""House rules as small scripts, so that no reviewer has to remember them.

Each `check_*` module has one function, `problems(root)`, that lists what breaks its rule.
`python -m tools` runs them all; `tests/test_house_rules.py` runs them as tests.
"""
