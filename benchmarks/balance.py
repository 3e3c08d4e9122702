"""The coverage loop alongside the notebook's procedure: `python benchmarks/balance.py [MODEL]`.

From 63 products in four topics of 20, 20, 20 and 3: what `fabula.balance` makes in three rounds,
and what the same number of calls makes when every prompt just names the topics found, as the
notebook does. By default the embedded model writes; both are judged by the same clusters.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from os import environ

import fabula as fb
from fabula.dedup import near_duplicates
from fabula.errors import PartialRunError
from fabula.llm.providers.local_embeddings import embed_locally
from fabula.llm.rows.ask import ask_rows_sync
from fabula.llm.rows.job import RowField, RowsJob
from fabula.llm.session import models_of_run
from fabula.topics.analysis import Survey
from fabula.topics.clusters import nearest
from fabula.topics.shares import evenness

TOPICS = {
    "a car with a strong engine and four wheels for the road": "Corolla Civic Golf Focus Polo "
    "Jetta Passat Astra Corsa Fiesta Mondeo Octavia Fabia Clio Megane Panda Punto Yaris Auris Leaf",
    "clothing of soft cotton to wear on a cold day": "jacket shirt jumper coat skirt dress scarf "
    "cardigan hoodie blouse trousers shorts vest sweater pullover gown robe tunic parka kimono",
    "for clean skin and hair in the bathroom": "soap shampoo toothpaste conditioner lotion "
    "deodorant mouthwash sunscreen moisturiser cleanser toner serum balm razor floss perfume "
    "talcum gel scrub mask",
    "food to cook and eat for dinner": "pasta cheese soup",
}


def skewed() -> list[dict[str, str]]:
    """Twenty products of three topics each, and three of the fourth."""
    return [
        {"product": f"{name.capitalize()}, {about}"}
        for about, names in TOPICS.items()
        for name in names.split()
    ]


def judged(texts: Sequence[str], survey: Survey) -> str:
    """How even and how distinct the texts are."""
    groups = nearest(embed_locally(texts), survey.clusters.centres)[0].tolist()
    counts = [Counter(groups)[group] for group in range(len(survey.clusters.centres))]
    distinct = 1 - len(near_duplicates(texts, similarity=0.85)) / len(texts)
    sizes = "/".join(map(str, counts))
    even = evenness(counts)
    return f"{len(texts):>3} rows  {sizes:<14} evenness {even:.3f}  distinct {distinct:.2f}"


def by_the_notebook(model: str, names: Sequence[str], calls: int) -> list[str]:
    """One text a call, each from the same prompt that names the topics."""
    prompt = f"Describe one product in a short line. Topics: {', '.join(names)}."
    job = RowsJob(
        subject="",
        fields=(RowField("product", {"type": "string"}),),
        n=calls,
        text=True,
        prompts=[prompt] * calls,
        attempts=0,
    )
    with models_of_run() as open_model:
        result = ask_rows_sync(open_model(model), job)
    return [row["product"] for row in result.rows if row is not None]


def main() -> None:
    """Run both from the same start."""
    model = sys.argv[1] if len(sys.argv) > 1 else "local"
    rows = skewed()
    with tempfile.TemporaryDirectory() as folder:
        environ["FABULA_HOME"] = folder if model != "local" else environ.get("FABULA_HOME", folder)
        started = time.perf_counter()
        try:
            made = fb.balance(rows, topics=4, model=model, fresh=True, prompt="products of a shop")
        except PartialRunError as error:
            made = error.dataset
        seconds = time.perf_counter() - started
        calls = sum(each.calls for each in made.rounds[1:])
        old = [row["product"] for row in rows]
        print(f"{model}, {seconds:.0f} s; topics: {', '.join(made.targets)}; {made.ended}")
        for each in made.rounds:
            print(
                f"  round {each.number}: {each.calls:>3} calls, {each.new:>2} new, "
                f"{each.duplicates} repeats, {each.rejected} rejected, "
                f"{each.relabelled} relabelled, evenness {each.evenness:.3f}"
            )
        print("start     ", judged(old, made.survey))
        print("fabula    ", judged(made.table.column("product").to_pylist(), made.survey))
        names = [topic.name for topic in made.topics]
        notebook = by_the_notebook(model, names, calls)
        print("notebook  ", judged(old + notebook, made.survey), f" in {calls} calls")


if __name__ == "__main__":
    main()
