"""Random specs for property tests: every column kind, with parameters that are allowed."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.tables import DatasetSpec, PerParent, TableSpec

words = st.text(st.characters(codec="utf-8"), max_size=30)
names = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=9
)
numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
parameters = numbers | st.sampled_from(["20 * size", "other"])
positive = st.floats(0.01, 1e6)
days = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))
scalars = st.none() | st.booleans() | numbers | words | days | st.datetimes()
texts = st.lists(words, min_size=1, max_size=4)

columns: st.SearchStrategy[AbstractColumn] = st.one_of(
    st.builds(col.key, start=st.integers(0, 99), unique=st.booleans()),
    st.builds(col.sequence, days, st.sampled_from(["1d", "2w"])),
    st.builds(col.sequence, numbers, numbers),
    st.builds(col.uuid, drop=st.booleans()),
    st.builds(col.constant, scalars, description=words),
    st.builds(col.reference, names, skew=st.none() | positive, nulls=st.floats(0, 1)),
    st.builds(col.choice, st.lists(scalars, min_size=1, max_size=4)),
    st.builds(col.choice, st.dictionaries(words, positive, min_size=1, max_size=4)),
    st.builds(col.uniform, parameters, parameters, decimals=st.integers(0, 12)),
    st.builds(col.normal, parameters, parameters, min=parameters, max=parameters),
    st.builds(col.lognormal, positive, positive),
    st.builds(col.exponential, positive),
    st.builds(col.gamma, positive, positive),
    st.builds(col.beta, positive, positive),
    st.builds(col.pareto, positive, positive),
    st.builds(col.poisson, positive),
    st.builds(col.binomial, st.integers(0, 99), st.floats(0, 1)),
    st.builds(col.bernoulli, st.floats(0, 1)),
    st.builds(col.zipf, positive, st.integers(1, 99)),
    st.builds(
        col.mixture,
        st.lists(st.tuples(positive, st.builds(col.normal, numbers, positive)), min_size=1),
    ),
    st.builds(col.datetime, days | st.datetimes(), within=st.sampled_from(["3d", "1d12h"])),
    st.builds(
        col.datetime,
        st.just("ref.day"),
        days,
        hours=st.sampled_from(["9-17", (0.5, 24)]),
        weekdays=st.sampled_from(["mon-fri", ["sat", "sun"]]),
        season=st.dictionaries(st.sampled_from(["jan", "jul"]), positive),
    ),
    st.builds(col.pattern, words),
    st.builds(col.template, words),
    st.builds(col.expr, words),
    st.builds(
        col.person, st.sampled_from(["name", "email"]), locale=st.sampled_from(["de", ["en"]])
    ),
    st.builds(col.provider, words),
    st.builds(col.llm, words, type=st.sampled_from(["int", ["a", "b"], {"type": "string"}])),
    st.builds(col.text, words, max_words=st.integers(1, 99), examples=texts),
    st.builds(col.judge, texts, st.just({"helpful": "1..5"})),
    st.builds(col.reasoning, texts),
    st.builds(col.program, words, type=st.sampled_from(["str", "int"]), examples=texts),
)

sizes = st.builds(
    PerParent,
    of=names,
    distribution=st.sampled_from(
        [col.poisson(3), col.uniform(1, 5, decimals=0), col.uniform(1, 5), col.gamma(2, 1)]
    ),
    max=st.integers(1, 9),
)
tables = st.builds(
    TableSpec,
    columns=st.dictionaries(names, columns, min_size=1, max_size=5),
    per_parent=sizes,
    prompt=words,
    primary_key=st.lists(names, max_size=2),
    examples=st.lists(words | st.dictionaries(words, scalars, max_size=2), max_size=2),
)
specs = st.builds(
    DatasetSpec,
    name=words,
    seed=st.integers(0, 2**40),
    tables=st.dictionaries(names, tables, min_size=1, max_size=2),
    models=st.dictionaries(names, words, max_size=1),
)
