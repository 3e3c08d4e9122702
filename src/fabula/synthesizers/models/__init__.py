"""The models over cell codes, one module or package each."""
