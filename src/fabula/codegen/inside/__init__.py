"""What runs inside the sandbox, around a model's code; imported before the sandbox locks."""
