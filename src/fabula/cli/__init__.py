"""The command line, one file per verb: each parses its arguments, calls the library and prints."""
