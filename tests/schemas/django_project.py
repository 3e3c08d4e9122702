"""A small project of Django, as the texts of its files."""

from __future__ import annotations

DJANGO = """
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models

class Author(models.Model):
    "A person who writes."
    name = models.CharField(max_length=40, help_text="as on the cover")
    email = models.EmailField(unique=True)
    born = models.DateField(null=True)
    user = models.ForeignKey("auth.User", models.CASCADE)

class Book(models.Model):
    class Genre(models.TextChoices):
        NOVEL = "n"
        POEMS = "p"
    isbn = models.CharField(max_length=9, unique=True, validators=[RegexValidator(r"^[0-9]{9}$")])
    slug = models.SlugField()
    genre = models.CharField(max_length=1, choices=Genre.choices)
    pages = models.PositiveSmallIntegerField(validators=[MaxValueValidator(900)])
    price = models.DecimalField(max_digits=6, decimal_places=2)
    authors = models.ManyToManyField(Author)
    sequel_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    page = models.URLField(blank=True)
    in_print = models.BooleanField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pages__gte=10), name="long_enough"),
            models.UniqueConstraint(fields=["slug", "genre"], name="once"),
        ]
"""

SETTINGS = """
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "library"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "library.sqlite"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
SECRET_KEY = "x"
"""
