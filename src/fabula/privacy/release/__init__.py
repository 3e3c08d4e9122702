"""Releases: real rows that are masked, made coarser, and partly learned."""
