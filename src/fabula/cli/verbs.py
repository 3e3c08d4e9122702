"""The table of verbs, so that `fabula --help` imports none of them."""

from __future__ import annotations

SECTIONS: dict[str, dict[str, str]] = {
    "Generate": {
        "init": "Write a spec to start from.",
        "validate": "Validate a spec, data against a spec, or a training file.",
        "plan": "Show what a run would do and cost; calls nothing.",
        "preview": "Generate a few rows and print them; writes nothing.",
        "generate": "Generate data, check it and write it.",
        "merge": "Combine the shares of a run that several machines generated.",
        "extend": "Append rows that fit a table.",
        "simulate": "Run a model of agents and keep its tables.",
        "calibrate": "Fit parameters of a model of agents to known totals.",
        "program": "Have a model write the program that generates the data; run it again.",
    },
    "Texts": {
        "pairs": "Generate training pairs: an input and the output that answers it.",
        "conversations": "Generate conversations of several turns, with calls of tools.",
        "grounded": "Generate questions from documents, with answers that their sources carry.",
        "solve": "Have a model reason to answers, and keep those that code verifies.",
        "rewrite": "Rewrite the texts of a set, each rewrite checked.",
        "balance": "Balance the topics of a text dataset.",
        "describe": "Write a text about each item that mentions all of its fields.",
        "extract": "Extract typed values from texts, one row per object.",
        "export": "Export a table as a training dataset.",
    },
    "Learn": {
        "fit": "Fit a synthesizer to a table or a folder of pictures, for `fabula sample`.",
        "sample": "Sample rows from a fitted synthesizer.",
    },
    "Protect": {
        "mask": "Replace the people in tables with new people.",
        "unmask": "Put the real values back into masked files, with the key and the map.",
        "blend": "Combine real and synthetic rows, and test whether that helps a model.",
        "generalise": "Make a table k-anonymous, l-diverse and t-close at the least loss.",
        "scan": "Search files for values of real people, in any spelling or encoding.",
    },
    "Evaluate": {
        "evaluate": "Measure how realistic, private, fair and diverse synthetic data is.",
        "judges": "Measure how far judges can be trusted: kappa, bias, thresholds.",
        "worth": "Measure what a set of texts is worth: train on it, test on real rows.",
        "review": "Let people accept, reject, fix and comment rows.",
    },
    "Inspect": {
        "show": "Profile a data file or a run.",
        "view": "Look at runs and data in a local page; edit specs and run them.",
        "runs": "List runs, or show one.",
        "kinds": "List the column kinds, or explain one.",
        "schema": "Print the JSON Schema of specs, for editors.",
    },
    "Set up": {
        "models": "List language models, check one, download the embedded one.",
        "keys": "Store API keys for this user.",
        "mcp": "Serve tools to an assistant, over stdin and stdout (Model Context Protocol).",
        "plugins": "List installed plug-ins, what each adds, and what failed to load.",
        "doctor": "Check the installation and suggest fixes.",
    },
}
"""Every verb by section, with its one-line help; the verb's module has the same name."""

VERBS: dict[str, str] = {name: text for verbs in SECTIONS.values() for name, text in verbs.items()}

CONTINUED = frozenset(
    {
        "balance",
        "conversations",
        "describe",
        "extend",
        "extract",
        "grounded",
        "init",
        "pairs",
        "program",
        "rewrite",
        "solve",
    }
)
"""Verbs that resume when the same command is run again."""

WAY_ON = "\nhint: run the same command to continue; answered requests are not sent again"

EVERYWHERE = """\
With every verb:
  -q, --quiet               Print nothing but errors.
  --verbose                 Show the traceback of an unexpected error.
  --no-progress             Show no progress.
  --allow-env NAME          Let the spec send this variable to its model's host; remembered.
  --allow-code FILE         Let the spec run this Python file, as it is now; remembered.
  --escape-formulas         Put ' before texts in CSV that a spreadsheet would run, as `=1+1`.
  --error-format text|json  How errors are printed; json is implied by `--format json`.
  -h, --help                Show the help of a verb.
"""


def overview() -> str:
    """The help of `fabula`."""
    width = max(map(len, VERBS)) + 2
    parts = ["Usage: fabula VERB SPEC|DATA [OPTIONS]\n\nSynthetic data from one spec.\n"]
    for section, verbs in SECTIONS.items():
        lines = "".join(f"  {name:<{width}}{text}\n" for name, text in verbs.items())
        parts.append(f"{section}:\n{lines}")
    parts.append(EVERYWHERE)
    parts.append(
        "Exit codes: 0 done, 1 a check or gate failed, 2 wrong spec or usage, 3 something is\n"
        "missing, 4 rows are missing (run it again to continue), 130 interrupted (likewise).\n"
    )
    return "\n".join(parts)
