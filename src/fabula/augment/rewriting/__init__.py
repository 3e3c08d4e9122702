"""Rewriting: texts made harder, broader, other in words, translated, compared, or adversarial."""
