"""Conversations of several turns: planned before they are asked, with exact quotas."""
