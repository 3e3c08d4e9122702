"""Questions and answers grounded in documents: each answer names the spans that carry it."""
