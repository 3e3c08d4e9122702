"""The one place where code runs that a language model wrote.

`run.run` starts a run: it asks the warm process of `template` to fork a child, which locks itself
(`lock`, `syscalls`), calls one function of ours and answers over a pipe of frames (`frames`).
The parent trusts nothing that comes out (`arrow_check`). `probes` tries the walls before first use.
"""
