"""JSON Schema as endpoints accept it, in words, and as sample values."""
