"""One chat interface, and the HTTP client behind it."""
