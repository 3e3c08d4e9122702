"""Lists the calls of a job without making them: each once, with all rows assumed valid.

The prompts are the real ones, except that earlier rows shown in later prompts are invented.
"""

from __future__ import annotations

import json
import random
from collections import deque
from typing import Any

from fabula.llm.providers.dry_run import StandIn
from fabula.llm.rows.job import RowsJob, RowsResult
from fabula.llm.rows.prompt_format import Call, PromptFormat
from fabula.llm.rows.prompts import row_schema
from fabula.llm.rows.row_check import compile_fields
from fabula.llm.rows.row_state import RECENT
from fabula.llm.rows.uniqueness import Distinct


def rehearse_rows(model: StandIn, form: PromptFormat, job: RowsJob) -> RowsResult:
    """Record every call of the job, assuming that every reply is valid.

    Returns: Invented rows that fit the fields, but not further rules.
    """
    from fabula.llm.json_schema.samples import make_value
    from fabula.llm.json_schema.words import write_text

    check = compile_fields(job.fields)
    row, definitions = row_schema(job.fields)
    distinct = Distinct(job)
    recent: deque[dict[str, Any]] = deque(maxlen=RECENT)
    is_free = job.given is None and job.prompts is None
    result = RowsResult([])
    for start in range(0, job.n, form.rows_per_call):
        places = range(start, min(job.n, start + form.rows_per_call))
        shown = tuple(recent) if is_free else ()
        call = Call(places, recent=shown, used=distinct.named(), plain=job.plain)
        made: list[dict[str, Any]] = []
        for place in places:
            rng = random.Random(place)
            if job.text:
                made.append({job.fields[0].name: write_text(rng, job.subject, words=None)})
            else:
                values, _ = check(make_value(rng, {**row, **definitions}))
                made.append({each.name: values.get(each.name) for each in job.fields})
        reply = json.dumps(made, ensure_ascii=False, default=str)
        result.usage += model.rehearsal.note(model, form.request(call), reply)
        result.calls += 1
        result.rows += made
        recent.extend(made)
        for place, values in zip(places, made, strict=True):
            distinct.add({**(job.given[place] if job.given is not None else {}), **values})
    return result
