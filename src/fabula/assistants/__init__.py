"""Assistants: the tools that `fabula mcp` serves, confined to one folder."""
