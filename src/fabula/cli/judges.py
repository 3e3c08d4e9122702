"""`fabula judges`: measures how far judges can be trusted."""

from __future__ import annotations

from pathlib import Path

from fabula.cli.arguments import Printed, Words, print_as
from fabula.cli.console import Talk
from fabula.cli.options import verb
from fabula.errors import GateError


@verb()
def judges(
    talk: Talk,
    data: Path,
    *,
    score: Words = (),
    human: str = "",
    text: str = "",
    position: str = "",
    precision: float = 0.9,
    form: Printed = "table",
) -> None:
    """Measure how far judges can be trusted: kappa, bias, thresholds.

    Exits with 1 if a judge is biased by the length or the position of answers.

    Options:
        data (DATA): Rows with scores of judges.
        score (COLUMN): A judge's scores; repeatable.
        human (COLUMN): Reviewers' verdicts: grades, or `accepted` and `rejected`.
        text (COLUMN): The judged answers, to find a bias by length.
        position (COLUMN): The answers' places as judges saw them, to find a bias by position.
        precision: Wanted share of good answers among those that pass.
        form: How to print.
    """
    from fabula.review.judges import judges as measure

    made = measure(
        data, scores=score, human=human, text=text, position=position, precision=precision
    )
    print_as(form, made.report(), made.to_dict())
    if made.biased:
        names = ", ".join(f"`{name}`" for name in made.biased)
        raise GateError(
            f"{names} {'is' if len(made.biased) == 1 else 'are'} biased",
            code="judges.biased",
            hint="ask another model, or put a rule on length and order into the rubric",
        )
    if text or position:
        talk.say("no judge is biased")
