"""Columns of texts that stand for dates, times, durations or numbers, as columns of a spec.

A column of such values is made first and not written; an expression writes it in its form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.inference.arrays import LABEL_ROWS, guess_array
from fabula.inference.guesses import Guess
from fabula.inference.texts_of_numbers import TextOfNumbers
from fabula.inference.times import Values
from fabula.io.arrays import is_text
from fabula.io.notes import told_rows
from fabula.io.written.columns import Written, is_gap, written_digits, written_form
from fabula.io.written.duration_forms import DurationForm
from fabula.io.written.form import flags
from fabula.io.written.labels import number_labels
from fabula.io.written.number_forms import NumberForm
from fabula.io.written.time_forms import TimeForm
from fabula.io.written.time_signs import NAMES, cased
from fabula.kinds.base.columns import AbstractNumber
from fabula.kinds.base.sql import quoted
from fabula.spec import col

_DIGITS = re.compile(r"%([-^_+]?)(\d?)([a-zA-Z](?:\{\w+\})?)")
_FRACTIONS = {"3": "%g", "6": "%f"}
_LISTED = 100
"""Most values that stand for a form which no expression writes."""
_PERIOD_SQL = {
    "%q": "quarter({0})", "%h": "(month({0}) + 5) // 6",
    "%n": "strftime({0} + INTERVAL 1 YEAR, '%y')", "%N": "strftime({0} + INTERVAL 1 YEAR, '%Y')",
}  # fmt: skip
"""What writes the signs that `strftime` of SQL lacks."""
_UTC = pa.timestamp("us", "UTC")
_TIME_OF_DAY = "TIMESTAMP '2000-01-01' + to_seconds({0})"


@dataclass(frozen=True)
class WrittenGuess:
    """Further columns for one.

    Attributes:
        values: The columns of values, which are not written.
        sql: The expression that writes them; `{0}`, `{1}` … stand for their names.
        reason: Their form, and what is said about values of no such form.
        plain: The real values, where there is one column of them.
    """

    values: tuple[Guess, ...]
    sql: str
    reason: str
    plain: pa.Array | None = field(default=None, compare=False)

    def texts_of(self, helpers: Sequence[str]) -> Guess:
        """The column of texts, given what the columns of values are called."""
        return Guess(col.expr(self.sql.format(*map(quoted, helpers))), self.reason)


def written_guess(
    name: str, values: Values, simple: Guess, form: TimeForm | None = None, **context: Any
) -> WrittenGuess | None:
    """The columns of values in texts or digits; None if a simple column is as good.

    Args:
        name: The column's name.
        values: All of its values.
        simple: What it looks like without this.
        form: How a file writes these times, if that is not as usual.
        context: What `guess_array` wants to know.
    """
    kind = values.type
    if form is not None:
        plain = values.combine_chunks()
        clock = pa.types.is_time(kind)
        plain = _in_seconds(plain) if clock else pc.local_timestamp(plain.cast(_UTC, safe=False))
        sql = _sql(Written(form), plain.type)
        if sql is None:
            return None
        told = "times of day" if clock else form.told
        return WrittenGuess((_helper(name, plain, context),), sql, told, plain)
    text = is_text(kind)
    if text and simple.column.kind not in ("llm", "pattern", "person"):
        return None
    if not text and not (pa.types.is_integer(kind) and isinstance(simple.column, AbstractNumber)):
        return None
    texts = values.combine_chunks().cast(pa.large_string())
    found = written_form(texts) if text else written_digits(texts)
    if found is None and text and (labelled := _labelled_guess(name, values, context)) is not None:
        return labelled
    if found is None and simple.column.kind == "llm":
        return _numbers_guess(name, texts, context)
    if found is None or (simple.column.kind == "person" and isinstance(found.form, NumberForm)):
        return None
    plain = _plain(found, texts)
    sql = _sql(found, plain.type)
    if sql is None:
        return _listed(found, texts) if simple.column.kind == "llm" else None
    if not text:
        sql = f"CAST({sql} AS BIGINT)"
    stray = _stray(found, texts)
    helper = _helper(name, plain.filter(pa.array(~stray)), context)
    gap = max(found.gaps, key=lambda word: found.gaps[word], default=None)
    if gap is not None and not values.null_count and len(found.gaps) == 1 and text:
        sql = f"coalesce({sql}, '{_quoted(gap)}')"
    reason = "; ".join(part for part in (found.form.told, _doubts(found, stray)) if part)
    return WrittenGuess((helper,), sql, reason, plain)


def _listed(found: Written, texts: pa.Array) -> WrittenGuess:
    """Some of the values themselves, where no expression writes their form."""
    known = pc.unique(texts.filter(found.form.read(texts).is_valid()))
    some = known.take(np.linspace(0, len(known) - 1, min(len(known), _LISTED)).astype(np.int64))
    listed = Guess(col.choice(some.to_pylist()).model_copy(update={"drop": True}), "real values")
    reason = f"{found.form.told}; {len(some)} of its values, since SQL can't write this form"
    return WrittenGuess((listed,), "{0}", reason)


def _helper(name: str, values: pa.Array, context: Mapping[str, Any]) -> Guess:
    """A column of values that is not written."""
    made = guess_array(name, pa.chunked_array([values]), **context)
    alone = made.column.unique and made.column.kind == "datetime"
    column = made.column.model_copy(update={"drop": True, "unique": alone})
    return Guess(column, made.reason)


def _numbers_guess(name: str, texts: pa.Array, context: Mapping[str, Any]) -> WrittenGuess | None:
    """The columns of the numbers in texts that are alike otherwise; the first one has the gaps."""
    found = TextOfNumbers.of(texts)
    if found is None:
        return None
    first, *others = found.numbers
    parts = [first, *(part.drop_null() for part in others)]
    helpers = tuple(_helper(name, part, context) for part in parts)
    return WrittenGuess(helpers, found.sql, found.told)


def _labelled_guess(name: str, values: Values, context: Mapping[str, Any]) -> WrittenGuess | None:
    """The columns of numbers with labels among them: the number, and the label in its place."""
    texts = values.combine_chunks().cast(pa.large_string())
    labels = number_labels(texts, LABEL_ROWS)
    label = pc.is_in(texts, value_set=pa.array(labels, texts.type))
    numbers = texts.filter(pc.invert(label))
    found = written_form(numbers) if labels else None
    sql = None if found is None else _sql(found, pa.float64())
    if found is None or sql is None or not isinstance(found.form, NumberForm):
        return None
    column = col.choice(labels, weights=[pc.sum(pc.equal(texts, text)).as_py() for text in labels])
    shown = {"drop": True, "nulls": round(1 - pc.mean(label.cast(pa.int8())).as_py(), 4)}
    helpers = (
        _helper(name, _plain(found, numbers), context),
        Guess(column.model_copy(update=shown), f"{len(labels)} labels among the numbers"),
    )
    told = ", ".join(f"`{text}`" for text in labels)
    return WrittenGuess(helpers, f"coalesce({{1}}, {sql})", f"{found.form.told}; labels: {told}")


def _plain(found: Written, texts: pa.Array) -> pa.Array:
    """Dates and times as such, durations and times of day in seconds; null if there is none."""
    words = pa.array(list(found.gaps), texts.type)
    read = found.form.read(texts)
    read = pc.if_else(pc.is_in(texts, value_set=words), pa.scalar(None, read.type), read)
    if isinstance(found.form, TimeForm) and read.type == pa.int64():
        months = (read.fill_null(0).to_numpy() * found.form.months).astype("datetime64[M]")
        days = pa.array(months.astype("datetime64[D]"))
        return pc.if_else(read.is_valid(), days, pa.scalar(None, pa.date32()))
    timed = pa.types.is_time(read.type) or pa.types.is_duration(read.type)
    return _in_seconds(read) if timed else read


def _in_seconds(values: pa.Array) -> pa.Array:
    """Times of day or durations in seconds."""
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[values.type.unit]
    ticks = values.cast(pa.int32() if values.type.bit_width == 32 else pa.int64())
    return ticks if scale == 1 else pc.divide(ticks.cast(pa.float64()), float(scale))


def _stray(found: Written, texts: pa.Array) -> NDArray[np.bool_]:
    """Which texts are mistyped."""
    read = found.form.read(texts)
    return flags(texts.is_valid()) & flags(read.is_null()) & ~is_gap(texts, read)


def _doubts(found: Written, stray: NDArray[np.bool_]) -> str:
    """What is said about texts that are not a value."""
    parts = [f"mistyped: {told_rows(np.flatnonzero(stray))}, left out"] * bool(stray.any())
    if len(found.gaps) > 1:
        words = ", ".join(f"`{word}`" for word in list(found.gaps)[:3])
        parts.append(f"{words} count as missing")
    return "; ".join(parts)


def _sql(found: Written, kind: pa.DataType) -> str | None:
    """The expression that writes the values of `{0}`; None if SQL has none."""
    form = found.form
    if isinstance(form, NumberForm):
        return _number_sql(form)
    if isinstance(form, DurationForm):
        return _duration_sql(form)
    assert isinstance(form, TimeForm)
    fractions = {width for _, width, sign in _DIGITS.findall(form.format) if sign == "f"}
    flags = {flag for flag, _, _ in _DIGITS.findall(form.format)} & {"^", "_"}
    if not fractions <= set(_FRACTIONS) or len(flags) > 1:
        return None
    plain = _DIGITS.sub(
        lambda sign: _FRACTIONS[sign[2]] if sign[3] == "f" else f"%{sign[1].strip('^_')}{sign[3]}",
        form.format,
    ).replace("'", "''")
    moment = "{0}" if pa.types.is_temporal(kind) else _TIME_OF_DAY
    texts = re.split(r"(%[qhnN]|%\+?[aAbB]\{\w+\})", plain)
    sql = " || ".join(_time_sql(text, moment) for text in texts if text)
    case = {"^": "upper", "_": "lower"}.get(next(iter(flags), ""))
    return f"{case}({sql})" if case else sql


def _time_sql(text: str, moment: str) -> str:
    """What writes a sign that `strftime` of SQL lacks, or a text of signs that it has."""
    if text in _PERIOD_SQL:
        return _PERIOD_SQL[text].format(moment)
    if not text.endswith("}"):
        return f"strftime({moment}, '{text}')"
    flag, sign = text[1 : text.index("{") - 1], text[text.index("{") - 1 :]
    names = ", ".join(f"'{cased(name, flag)}'" for name in NAMES[sign])
    return f"[{names}][{'month' if sign[0] in 'bB' else 'isodow'}({moment})]"


def _number_sql(form: NumberForm) -> str | None:
    """Numbers with their signs; what has no fixed number of decimals is cut to them."""
    if form.minus != "-" or (not form.fixed and form.thousands):
        return None
    commas = "," if form.thousands and not form.lakh else ""
    number = f"format('{{{{:{commas}.{form.decimals}f}}}}', {{0}}::DOUBLE)"
    if not form.fixed:
        number = f"rtrim(rtrim({number}, '0'), '.')"
    if form.lakh:
        whole = f"replace(split_part({number}, '.', 1), '-', '')"
        pairs = rf"regexp_replace(reverse(left({whole}, -3)), '(\d\d)', '\1,', 'g')"
        more = f"reverse(rtrim({pairs}, ',')) || ','"
        sign = "CASE WHEN {0} < 0 THEN '-' ELSE '' END"
        head = f"CASE WHEN length({whole}) > 3 THEN {more} ELSE '' END || right({whole}, 3)"
        tail = f"right({number}, {form.decimals + 1})" if form.decimals else "''"
        number = f"{sign} || {head} || {tail}"
    elif form.thousands not in ("", ",") or form.point != ".":
        signs = (",", "~"), (".", form.point), ("~", form.thousands)
        for old, new in signs:
            number = f"replace({number}, '{old}', '{_quoted(new)}')"
    parts = [f"'{_quoted(form.prefix)}'"] * bool(form.prefix) + [number]
    return " || ".join([*parts, *[f"'{_quoted(form.suffix)}'"] * bool(form.suffix)])


def _duration_sql(form: DurationForm) -> str | None:
    """Durations in seconds, part by part; parts that are zero are written, too."""
    one_day, days = form.words.get("d", ("", ""))
    if "w" in form.units or (form.style == "clock" and one_day != days):
        return None
    sizes = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
    parts, rest = [], "{0}"
    for unit in form.units:
        parts.append(f"CAST(floor({rest} / {sizes[unit]}) AS BIGINT)")
        rest = f"({rest} % {sizes[unit]})"
    if form.style == "clock":
        later = len(parts) - 1 - ("d" in form.units)
        signs = [f"%0{form.wide}d" if form.wide > 1 else "%d", *["%02d"] * later]
        shape = f"%d{days}" * ("d" in form.units) + ":".join(signs)
    else:
        words = [form.words[unit][1] for unit in form.units]
        wide = f"%0{form.wide}d" if form.style == "words" and form.wide > 1 else "%d"
        texts = [f"{wide if at else '%d'}{word}" for at, word in enumerate(words)]
        if form.style == "iso":
            first = next((at for at, unit in enumerate(form.units) if unit in "hms"), len(texts))
            shape = f"P{''.join(texts[:first])}{'T' * (first < len(texts))}{''.join(texts[first:])}"
        else:
            shape = form.between.join(texts)
    if form.decimals:
        if form.style != "clock" or not form.fixed:
            return None
        scale = 10**form.decimals
        parts.append(f"CAST(floor({{0}} * {scale}) % {scale} AS BIGINT)")
        shape += f"{form.point}%0{form.decimals}d"
    return f"printf('{_quoted(shape)}', {', '.join(parts)})"


def _quoted(text: str) -> str:
    """A text inside quotes of SQL, with no place for a name in it."""
    return text.replace("'", "''").replace("{", "{{").replace("}", "}}")
