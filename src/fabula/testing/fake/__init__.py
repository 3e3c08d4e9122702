"""The `fake` model: offline, free and deterministic."""
