"""Texts that say the same again: exactly, in nearly the same letters, or in other words."""

from __future__ import annotations

from fabula.dedup.find import Match, Method, near_duplicates

__all__ = ["Match", "Method", "near_duplicates"]
