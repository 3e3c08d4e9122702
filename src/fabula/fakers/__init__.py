"""Words in bulk: names, addresses, patterns and identifiers as Arrow arrays.

Pure functions under the `pattern`, `person`, `uuid` and `provider` columns: numpy generators in,
`pyarrow` arrays out. Nothing here knows a spec, and nothing loops over rows.
"""
