"""Typed rows after a few human examples: `python examples/medical_bills.py [MODEL]`.

The examples stay in every prompt, and no patient comes twice.
"""

import sys

from pydantic import BaseModel, Field

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"
EXAMPLES = [
    "Patient ID: 123456, Patient Name: John Doe, Diagnosis Code: J20.9, Procedure Code: 99203, "
    "Total Charge: $500, Insurance Claim Amount: $350",
    "Patient ID: 789012, Patient Name: Johnson Smith, Diagnosis Code: M54.5, Procedure Code: "
    "99213, Total Charge: $150, Insurance Claim Amount: $120",
]


class Bill(BaseModel):
    patient_id: int = Field(ge=1)
    patient_name: str
    diagnosis_code: str = Field(description="ICD-10")
    procedure_code: str = Field(description="CPT: five digits")
    total_charge: float = Field(gt=0)
    insurance_claim_amount: float = Field(ge=0)


bills = fb.rows(
    Bill,
    prompt="medical billing",
    n=10,
    examples=EXAMPLES,
    extra="every name is an unusual one",
    unique="patient_name",
    model=MODEL,
)
for bill in bills:
    print(bill)
