"""`fb.rewrite`: the texts of a set made harder, broader, other in words, or into pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from fabula.augment.asking import asking, shortfall
from fabula.augment.rewriting.plan import RewriteOptions, planned
from fabula.augment.rewriting.preferences import Preferences
from fabula.augment.rewriting.red_team import RedTeam
from fabula.augment.rewriting.result import Rewritten
from fabula.augment.rewriting.run import AbstractRewrites
from fabula.augment.rewriting.texts import Texts
from fabula.augment.rewriting.translations import Translations
from fabula.augment.rewriting.ways import BACK, PREFER, RED_TEAM, TRANSLATE
from fabula.llm.rows.sync import run_sync

if TYPE_CHECKING:
    from fabula.types import TableLike

_RUNS: Mapping[str, type[AbstractRewrites]] = {
    TRANSLATE: Translations, BACK: Translations, PREFER: Preferences, RED_TEAM: RedTeam,
}  # fmt: skip


def rewrite(
    data: TableLike, how: str, n: int | None = None, **options: Unpack[RewriteOptions]
) -> Rewritten:
    """Have a model rewrite the texts of a set: exactly `n` rewrites, each checked.

    Every reply is kept, so the same call again costs nothing and gives the same rewrites, and
    after a failure it asks only for what is missing.

    Args:
        data: The set, in any form.
        how: `deeper` (harder), `broader` (the same field), `paraphrase`, `translate`,
            `back-translate`, `prefer` (a better and a worse answer), or `red-team` (prompts that
            try to break a policy, with refusals).
        n: Rewrites wanted, dealt evenly over the rows; by default one for each.
        options: The rest, by name: `model`, `attempts`, `max_calls` … as `rows` takes them, and

            - `text`: The column that is rewritten; by default `question`, `prompt`,
              `instruction`, `text`, or the only one.
            - `answer`: The column of answers; by default `answer`, if there is one. Paraphrases
              and translations keep it, `deeper` and `broader` write another one.
            - `kinds`: Kinds of change with exact shares: names, weights by name, or instructions
              by name of your own.
            - `languages`: For translations: languages with exact shares, such as `["de", "fr"]`.
            - `language`: The language of the texts; by default told by their words.
            - `distance`: The least and the largest distance from the given text, by the cosine
              of word vectors; what lies outside is refused and asked again.
            - `balance`: Further attributes dealt evenly, as `pairs` takes them: `tone` …
            - `by`: Has each answer verified: a solver, who never sees it, must reach it, as
              verified by `number`, `choice`, `text`, `tests`, `program` or a function; see `solve`.
            - `samples`: Tries of the solver; by default 2.
            - `judge`: Who reads whether a rewrite holds: a model, by default the same one unless
              `by` is given, a function of a row that returns problems, or `False` for nobody.
            - `rubric`: For `prefer`: what makes an answer good, in words.
            - `at_least`: For `prefer`: the score of the better answer, of 5; by default 4.
            - `ratio`: For `prefer`: how much longer one answer may be; by default 1.25. Half of
              the pairs have the longer answer chosen.
            - `policy`: For `red-team`: the rules, as a text or a file.
            - `borderline`: For `red-team`: the share of requests that are allowed and answered;
              by default 0.2.
            - `extra`: A further instruction.
            - `against`: An evaluation file, in any form: texts that overlap with it are refused
              and asked again.

    Returns:
        The rewrites with what was refused; `write` exports them.

    Raises:
        UsageError: An option is wrong, or a column is missing.
        PrerequisiteError: The extra `texts` is not installed.
        PartialRunError: Rewrites are missing; `rows` of the error holds those that are there.
        ModelError: A model can't be used at all.

    Examples:
        >>> tasks = [{"question": "What is 6 times 7?", "answer": 42}]
        >>> made = rewrite(tasks, "paraphrase", model="fake")
        >>> made[0]["original"], made[0]["answer"]
        ('What is 6 times 7?', 42)
    """
    return run_sync(arewrite(data, how, n, **options))


async def arewrite(
    data: TableLike, how: str, n: int | None = None, **options: Unpack[RewriteOptions]
) -> Rewritten:
    """`rewrite` for callers with their own event loop: same arguments, same rewrites."""
    plan = planned(data, how, n, options)
    run = _RUNS.get(how, Texts)(plan, options)
    async with asking(options, name="rewrites") as asker:
        await run.go(asker)
    result = run.result()
    made = Rewritten(
        tuple(row for row in run.rows if row is not None),
        how,
        plan.text,
        len(plan.tasks),
        plan.answer,
        run.replies,
        {why: count for why, count in run.refused.items() if count},
        plan.notes,
        tuple(result.rejects),
    )
    on_result = options.get("on_result")
    if on_result is not None:
        on_result(result)
    if len(made) < len(plan.tasks) and options.get("rehearsal") is None:
        raise shortfall(result, made)
    return made
