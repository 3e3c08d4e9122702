"""The loop around the round trip: texts are read, compared, written again, and at last given up."""

from __future__ import annotations

from collections.abc import Sequence

from fabula.augment.asking import Asker
from fabula.augment.row_schema import TEXT, Shape
from fabula.describing.extract import extraction_job
from fabula.describing.extract_schema import OBJECTS, ExtractSchema
from fabula.describing.round_trip import Comparison, RowScore, Tally, fields_to_read
from fabula.describing.writing import ROUNDS, Writer, Writing
from fabula.errors import FabulaError
from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import RowsJob, RowsResult

_TOLD = 6
"""Differences of a text that the next prompt names."""


async def verify(writing: Writing, writer: Writer, ask: Asker) -> None:
    """Have the texts read, and write those again whose fields do not come back.

    Texts, verdicts and failures are put into `writing`.
    """
    options = writer.options
    how = options.get("verify")
    reader = _Reader(writing, writer, ask, how if isinstance(how, Comparison) else Comparison())
    open_places = [i for i in range(len(writing.tasks)) if writing.text(i) is not None]
    tally = Tally()
    rounds = options.get("rounds", ROUNDS)
    for round_number in range(rounds + 1):
        if not await reader.read(open_places):
            break
        open_places = [place for place in open_places if not reader.scores[place].passed]
        if not open_places or round_number == rounds:
            break
        tally.regenerated += len(open_places)
        if not await reader.write_again(open_places):
            break
    for place, score in reader.scores.items():
        writing.verdicts[place] = score.verdict
        if not score.passed and options.get("failures", "drop") == "drop":
            writing.failures[place] = "the fields do not come back: " + "; ".join(score.problems)
            tally.dropped += 1
    for place in range(len(writing.tasks)):
        if writing.text(place) is not None and place not in reader.scores:
            writing.failures[place] = "the text could not be verified"
    tally.scores += [score for _, score in sorted(reader.scores.items())]
    if tell := options.get("on_score"):
        tell(tally.total())


class _Reader:
    """Reads texts and remembers their latest scores."""

    def __init__(
        self, writing: Writing, writer: Writer, ask: Asker, comparison: Comparison
    ) -> None:
        self.scores: dict[int, RowScore] = {}
        self._writing = writing
        self._writer = writer
        self._ask = ask
        self._comparison = comparison
        fields = fields_to_read([task.item.plain for task in writing.tasks])
        self._wanted = ExtractSchema(Shape(fields, dict), many=True)

    async def read(self, places: Sequence[int]) -> bool:
        """Score the texts of some tasks; False if not every text could be read."""
        texts = [self._writing.text(place) or "" for place in places]
        job = extraction_job(texts, self._wanted, options=self._writer.options)
        result = await self._asked(job)
        lost = {reject.row for reject in result.rejects}
        for number, (place, row) in enumerate(zip(places, result.rows, strict=True)):
            if row is None and number not in lost:
                self.scores.pop(place, None)  # the run stopped before this text was read
                continue
            objects = None if row is None else row[OBJECTS]
            source = self._writing.tasks[place].item.plain
            self.scores[place] = self._comparison.row(source, objects)
        return all(place in self.scores for place in places)

    async def write_again(self, places: Sequence[int]) -> bool:
        """New texts for some tasks; if none comes, the old one stays."""
        found = {
            place: f"An earlier text was: {as_json(self._writing.text(place))}\n"
            f"What was wrong with it: {'; '.join(self.scores[place].problems[:_TOLD])}."
            for place in places
        }
        job = self._writer.job(places, found)
        result = await self._asked(job)
        for place, row in zip(places, result.rows, strict=True):
            if row is not None:
                self._writing.result.rows[place] = {TEXT: row[TEXT]}
                del self.scores[place]  # it was about the old text
        return result.error is None

    async def _asked(self, job: RowsJob) -> RowsResult:
        """A job's result; one that can't be asked at all is a result without rows."""
        try:
            result = await self._ask(job)
        except FabulaError as error:
            result = RowsResult([None] * job.n, error=error)
        self._writing.result.error = self._writing.result.error or result.error
        return result
