"""The one place where code runs that a language model wrote.

`run.run` starts a run: it asks the warm process of `fork_server` to fork a child, which confines
itself (`confine`, `syscalls`), calls one function of ours and answers over a pipe (`messages`). The
parent trusts nothing that comes out (`arrow_check`). `probes` tries the walls before first
use.
"""
