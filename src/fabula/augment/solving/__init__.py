"""Answers with their reasoning, kept where code verifies them."""
