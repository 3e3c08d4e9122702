"""`fill_database` on servers: rows of a test, in its transaction."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from fabula.testing.filling import Filler

TABLES = {
    "teams": "CREATE TABLE teams (id {key}, {facts}, lead INTEGER)",
    "staff": "CREATE TABLE staff (id {key}, team INTEGER NOT NULL REFERENCES teams (id))",
}
LEAD = "ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES staff (id) DEFERRABLE"
SPEC: dict[str, Any] = {
    "tables": {
        "teams": {
            "n": 4,
            "columns": {
                "id": {"kind": "key"},
                "code": {"kind": "uuid"},
                "facts": {"kind": "constant", "value": '{"size": 3}'},
                "lead": {"kind": "reference", "to": "staff", "nulls": 0.5},
            },
        },
        "staff": {
            "n": 9,
            "columns": {"id": {"kind": "key"}, "team": {"kind": "reference", "to": "teams"}},
        },
    }
}


@pytest.mark.parametrize("server", ["pg", "maria"])
def test_a_server_has_the_rows_during_the_test_alone(
    server: str, request: pytest.FixtureRequest
) -> None:
    """UUIDs, JSON and, in PostgreSQL, tables that point at each other."""
    url, is_postgres = request.getfixturevalue(server), server == "pg"
    facts = "code UUID, facts JSONB" if is_postgres else "code CHAR(36), facts JSON"
    spec = json.loads(json.dumps(SPEC))
    if not is_postgres:
        del spec["tables"]["teams"]["columns"]["lead"]
    engine = sa.create_engine(
        url.replace("postgresql:", "postgresql+psycopg:").replace("mysql:", "mysql+pymysql:")
    )
    with engine.begin() as connection:
        for statement in (*TABLES.values(), *([LEAD] if is_postgres else [])):
            key = "INTEGER PRIMARY KEY"
            connection.exec_driver_sql(statement.format(key=key, facts=facts))
    with Filler(url) as filler:
        shop = filler.fill(spec)
        counted = shop.connection.execute(sa.text("SELECT count(*) FROM staff")).scalar_one()
        assert (counted, len(shop["teams"])) == (9, 4)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM staff")).scalar_one() == 0
    engine.dispose()
