"""Faker for every value that it has a provider for, row by row."""

import sys

from by_rows import write
from faker import Faker

if __name__ == "__main__":
    fake = Faker("en_US")
    Faker.seed(7)
    write(sys.argv[1], int(sys.argv[2]), fake.name, fake.email, fake)
