"""One chat interface, and what it takes to reach a model over HTTP."""
