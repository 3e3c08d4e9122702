"""Texts from fields and fields from texts: describe, extract, and the round trip between them."""
