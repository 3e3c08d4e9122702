"""Models by name: dialects of HTTP servers, the embedded model, embeddings."""
