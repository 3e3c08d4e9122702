"""Programs that a language model writes: asked for, run in a sandbox, checked, repaired, kept."""
