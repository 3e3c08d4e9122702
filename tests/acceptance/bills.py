"""Bills of patients: the class, the examples and the call that tests of `fb.rows` ask for."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, field_validator


class Bill(BaseModel):
    """A bill of a patient."""

    patient_id: int = Field(description="unique number of the patient")
    patient_name: str
    code: str = Field(pattern=r"[A-Z]\d\d\.\d")
    charge: float = Field(gt=0)
    claim: float

    @field_validator("patient_name")
    @classmethod
    def _two_words(cls, value: str) -> str:
        if len(value.split()) < 2:
            raise ValueError("a name has at least two words")
        return value


SEEDS = [
    "Patient ID: 123456, Patient Name: John Doe, Code: J20.9, Charge: $500, Claim: $350",
    "Patient ID: 789012, Patient Name: Jo Smith, Code: M54.5, Charge: $150, Claim: $120",
    "Patient ID: 345678, Patient Name: Emi Stone, Code: E11.9, Charge: $300, Claim: $250",
]
EXTRA = "the name must be chosen at random and be unusual"


def bill(number: int) -> dict[str, Any]:
    return {
        "patient_id": 1000 + number,
        "patient_name": f"Person {number}",
        "code": f"A{number % 90 + 10}.1",
        "charge": 100.0 + number,
        "claim": 90.0,
    }


def asked(n: int, **rest: Any) -> dict[str, Any]:
    """The options of the reference's call."""
    return {"prompt": "medical_billing", "extra": EXTRA, "examples": SEEDS, "n": n, **rest}
