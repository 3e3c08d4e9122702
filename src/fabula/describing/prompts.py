"""What a model is asked for one text: the facts, the wishes, and what was wrong before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fabula.describing.items import Item, column_names
from fabula.errors import UsageError, did_you_mean
from fabula.llm.json_schema.wording import as_json
from fabula.planning.templates import TemplateError, environment, template_needs

if TYPE_CHECKING:
    import jinja2

FACTS = "Facts as JSON: "
_TASK = (
    "Write a text that tells the facts below. Use every value, spelled as it is given, and add "
    "no names, numbers or facts of your own."
)
_OWN_NAMES = ("fields", "preferences", "variant")


class Prompts:
    """The prompts of one job.

    A template of the caller's own is a Jinja template over `fields`, `preferences`, `variant` and
    the columns that all items have.

    Raises:
        UsageError: The template can't be parsed, or uses a name that is missing.
    """

    def __init__(self, items: Sequence[Item], template: str = "") -> None:
        self._template: jinja2.Template | None = None
        self._names: tuple[str, ...] = ()
        if template.strip():
            self._names = _checked(
                template, [*_OWN_NAMES, *column_names(items)], any_name=not items
            )
            self._template = environment().overlay(finalize=_printed).from_string(template)

    def prompt(self, item: Item, variant: int = 1, variants: int = 1, found: str = "") -> str:
        """The whole prompt of one text; `found` is what was wrong with an earlier one."""
        parts = [self._task(item, variant)]
        if not set(self._names) - {"preferences", "variant"}:
            parts.append(FACTS + as_json(item.plain))
        wishes = item.preferences.wishes()
        if wishes and "preferences" not in self._names:
            parts.append(f"Wishes: {'; '.join(wishes)}.")
        if variants > 1 and "variant" not in self._names:
            parts.append(
                f"This is text {variant} of {variants} about the same facts: tell them in a way "
                "of its own."
            )
        return "\n".join([*parts, *filter(None, [found])])

    def _task(self, item: Item, variant: int) -> str:
        if self._template is None:
            return _TASK
        columns = item.plain if isinstance(item.plain, Mapping) else {}
        try:
            return self._template.render(
                {
                    **columns,
                    "fields": item.plain,
                    "preferences": "; ".join(item.preferences.wishes()),
                    "variant": variant,
                }
            )
        except Exception as error:  # a template may fail on the data in any way
            raise UsageError(
                f"the task fails on an item: {error}",
                code="usage.prompt",
                hint="`{{ fields }}` holds the item as JSON",
            ) from error


def _checked(template: str, known: Sequence[str], *, any_name: bool) -> tuple[str, ...]:
    """The names that a template uses, all of them known."""
    try:
        names = template_needs(template, ())
    except TemplateError as error:
        raise UsageError(f"the task is not a template: {error}", code="usage.prompt") from error
    for name in names:
        if name not in known and not any_name:
            raise UsageError(
                f"the task uses `{name}`, which not every item has",
                code="usage.prompt",
                hint=did_you_mean(name, known) or f"there are {', '.join(known)}",
            )
    return names


def _printed(value: Any) -> Any:
    """Values as a prompt shows them: what is not text as JSON, nothing as nothing."""
    if value is None:
        return ""
    return as_json(value) if isinstance(value, Mapping | list) else value
