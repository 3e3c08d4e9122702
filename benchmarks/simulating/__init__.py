"""The same store in Fabula and in its peers, each in an environment of its own."""
