"""A table of people that may be shared: `python examples/release.py`.

The people are replaced, what is left becomes coarse, and the result is searched for the originals.
"""

import fabula as fb

PEOPLE = (
    "patient_id key, name person.name, email person.email, sex choice f|m, age int 18..90, "
    "postcode pattern '10[0-9]{2}', diagnosis choice asthma:5|diabetes:3|gout:2"
)
fb.generate(PEOPLE, n=2_000, seed=4, output="patients.csv", overwrite=True)

masked = fb.mask("patients.csv", output="masked.csv", overwrite=True)
print(masked.report())
safe = fb.generalise(
    "masked.csv", output="release.csv", overwrite=True, k=5, quasi=["age", "sex", "postcode"]
)
print(safe.report())
found = fb.scan("release.csv", against="patients.csv")
print(found.report())
assert safe.after.k >= 5
