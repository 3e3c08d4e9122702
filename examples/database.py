"""A test database from its schema alone, filled and filled again: `python examples/database.py`.

No row is read; every constraint of the database holds, and keys continue where they are.
"""

import sqlite3

import fabula as fb

SCHEMA = """
CREATE TABLE authors (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER CHECK (born BETWEEN 1900 AND 2005)
);
CREATE TABLE books (
    isbn TEXT PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES authors (id),
    title TEXT NOT NULL, price NUMERIC(6, 2) CHECK (price > 0), UNIQUE (author_id, title)
);
"""
with sqlite3.connect("library.sqlite") as database:
    database.executescript(SCHEMA)

spec = fb.infer("sqlite:///library.sqlite").spec
fb.generate(spec, {"authors": 50}, output="sqlite:///library.sqlite", seed=1)
fb.generate(spec, {"authors": 20}, output="sqlite:///library.sqlite", seed=2, append=True)

with sqlite3.connect("library.sqlite") as database:
    print(database.execute("SELECT count(*) FROM authors").fetchone()[0], "authors")
    print(database.execute("SELECT * FROM books LIMIT 3").fetchall())
    assert not database.execute("PRAGMA foreign_key_check").fetchall()
