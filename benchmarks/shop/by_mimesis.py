"""Mimesis for people, Python's `random` for numbers, row by row."""

import sys

from by_rows import write
from mimesis import Person
from mimesis.locales import Locale

if __name__ == "__main__":
    person = Person(Locale.EN, seed=7)
    write(sys.argv[1], int(sys.argv[2]), person.full_name, person.email)
