"""Models in Python become the spec of the tables that they create."""

from __future__ import annotations

import datetime as dt
import enum
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlmodel import Field, SQLModel

import fabula as fb
from fabula.errors import SourceError, UsageError
from fabula.inference.infer import infer
from tests.schemas.django_project import DJANGO, SETTINGS


class Base(DeclarativeBase):
    """Models of SQLAlchemy."""


class Colour(enum.Enum):
    """Names are what the database holds."""

    red = "r"
    blue = "b"


class Customer(Base):
    """A person who buys."""

    __tablename__ = "customers"
    __table_args__ = (
        sa.CheckConstraint("age BETWEEN 18 AND 99"),
        sa.UniqueConstraint("email"),
        {"comment": "people who buy"},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50), comment="as on the card")
    email: Mapped[str]
    age: Mapped[int | None]
    colour: Mapped[Colour]
    joined: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now())
    double = sa.Column(sa.Integer, sa.Computed("age * 2"))


class Order(Base):
    """What a person buys."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    total: Mapped[Decimal] = mapped_column(sa.Numeric(8, 2))
    status = sa.Column(sa.Enum("new", "paid", name="status"), nullable=False)


class Note(Base):
    """Nothing leads to it."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.Text)


class Hero(SQLModel, table=True):
    """SQLModel's fields have bounds that its columns have not."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=12, description="its alias")
    power: int = Field(ge=3, le=7)
    code: str = Field(regex="^[A-Z]{2}[0-9]$")


def test_a_declarative_base_is_the_schema_of_all_of_its_tables(tmp_path: Path) -> None:
    drafted = infer(Base)
    spec = drafted.spec
    assert list(spec.tables) == ["customers", "notes", "orders"]
    customers = spec.tables["customers"]
    assert (customers.prompt, customers.primary_key) == ("people who buy", ("id",))
    assert customers.columns["name"].description == "as on the card"
    assert customers.columns["colour"].allowed == ("red", "blue")
    assert customers.columns["age"].limits == (18, 99)
    assert customers.columns["email"].unique
    assert "customers.double is left to the database: generated" in drafted.notes
    assert spec.tables["orders"].columns["status"].allowed == ("new", "paid")

    place = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    engine = sa.create_engine(place)
    Base.metadata.create_all(engine)
    data = fb.generate(spec, n={"customers": 30, "notes": 5}, output=place)
    with Session(engine) as session:
        orders = session.scalars(sa.select(Order)).all()
        assert len(orders) == data["orders"].num_rows > 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 30
    engine.dispose()


def test_a_class_brings_the_tables_that_its_keys_lead_to() -> None:
    assert list(infer(Order).spec.tables) == ["customers", "orders"]
    assert list(infer([Note]).spec.tables) == ["notes"]
    assert list(infer(Customer.__table__).spec.tables) == ["customers"]


def test_metadata_is_taken_as_it_is() -> None:
    assert list(infer(Base.metadata).spec.tables) == ["customers", "notes", "orders"]


def test_what_only_the_fields_of_sqlmodel_say_is_kept() -> None:
    spec = infer(SQLModel).spec
    data = fb.generate(spec, n={"hero": 50}, seed=1)
    assert spec.tables["hero"].columns["name"].description == "its alias"
    for row in data["hero"].to_pylist():
        Hero.model_validate(row)


def test_metadata_without_tables_is_an_error() -> None:
    with pytest.raises(SourceError, match="has no tables"):
        infer(sa.MetaData())


MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    pages: Mapped[int] = mapped_column(sa.CheckConstraint("pages > 9"))
"""
PLAIN = """
from dataclasses import dataclass

@dataclass
class Book:
    id: int
    author_name: str

@dataclass
class Shelf:
    id: int
    city: str
"""


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("fabula")), *words]
    environment = {**os.environ, "FABULA_HOME": str(folder / "home")}
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )


@pytest.mark.slow
def test_a_file_of_models_runs_only_where_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(MODELS, encoding="utf-8")
    refused = run("init", "--from", "library.py", folder=tmp_path)
    assert refused.returncode == 2
    assert "add `--allow-code library.py` to the command" in refused.stderr
    made = run("init", "--from", "library.py", "--allow-code", "library.py", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert fb.load(tmp_path / "library.yaml").tables["books"].columns["pages"].limits[0] == 10


def test_a_module_and_its_base_are_named_as_import_does(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(MODELS, encoding="utf-8")
    made = run("init", "--from", "library:Base", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert list(fb.load(tmp_path / "library.yaml").tables) == ["books"]


def test_a_file_of_dataclasses_is_a_table_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fabula.llm.client import permission

    monkeypatch.setattr(permission, "check_code", lambda *_, **__: None)
    monkeypatch.setattr("fabula.functions.named.check_code", lambda *_, **__: None)
    (tmp_path / "plain.py").write_text(PLAIN, encoding="utf-8")
    assert list(infer(tmp_path / "plain.py").spec.tables) == ["book", "shelf"]
    (tmp_path / "empty.py").write_text("x = 1", encoding="utf-8")
    with pytest.raises(UsageError, match="defines no models"):
        infer(tmp_path / "empty.py")
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        infer(tmp_path / "broken.py")


CHECK = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
django.setup()
from django.core.management import call_command
from library.models import Author, Book
if not os.path.exists("library.sqlite"):
    call_command("migrate", run_syncdb=True, verbosity=0)
for kind in (Author, Book):
    for row in kind.objects.all():
        row.full_clean()
print(Author.objects.count(), Book.objects.count(), Book.authors.through.objects.count())
"""


@pytest.mark.slow
def test_a_django_project_is_filled_with_rows_that_pass_its_own_validators(tmp_path: Path) -> None:
    for name, text in {
        "library/__init__.py": "",
        "library/models.py": DJANGO,
        "project/__init__.py": "",
        "project/settings.py": SETTINGS,
        "check.py": CHECK,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = run("init", "--from", "django:project.settings", "-o", "shop.yaml", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "models of Django's own apps are left out: contenttypes" in made.stderr
    spec = fb.load(tmp_path / "shop.yaml")
    assert spec.tables["library_author"].columns["name"].description == "as on the cover"
    assert spec.tables["library_author"].prompt == "A person who writes."

    def counts() -> list[int]:
        done = subprocess.run(
            [sys.executable, "check.py"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [int(word) for word in done.stdout.split()]

    assert counts() == [0, 0, 0]
    filled = run("generate", "shop.yaml", "-n", "library_book=30", "-o", "sqlite:///library.sqlite",
                 folder=tmp_path)  # fmt: skip
    assert filled.returncode == 0, filled.stderr
    authors, books, pairs = counts()
    assert books == 30
    assert authors > 0
    assert pairs > 0
