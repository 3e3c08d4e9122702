"""Questions over three documents: `python examples/grounded_questions.py [MODEL]`.

A page, a Word file and a Markdown file of a museum. Each answer names the spans that carry it; some
questions need two passages, and some have no answer in the documents.
"""

import sys
from pathlib import Path

import docx

import fabula as fb

MODEL = sys.argv[1] if len(sys.argv) > 1 else "fake"
FOLDER = Path("museum")
VISIT = """<h1>Your visit</h1>
<p>The museum opens at nine and closes at five. On Mondays it stays closed, holidays included.</p>
<p>Children under twelve enter free of charge. A school class pays forty euros and needs a booking
two weeks ahead.</p>
<h2>Getting here</h2>
<p>Tram 6 stops at the gate every ten minutes. The car park behind the tower has eighty places and
closes half an hour after the museum.</p>"""
LOANS = {
    "Loans": "Other museums may borrow an object for six months at most. The director signs each "
    "loan; objects older than four hundred years also need the consent of the ministry.",
    "Insurance": "The borrower insures an object from nail to nail, for the value in the loan "
    "contract. Without a certificate of insurance nothing leaves the building.",
    "Climate": "Wood and textiles stand at fifty per cent humidity. A courier travels along when "
    "an object weighs more than ninety kilograms.",
}
HOUSE = """# House rules

Photographs without flash are allowed in all rooms except the treasury.

## Bags

Bags larger than a sheet of paper go into a locker. A locker takes a coin of two euros, which comes
back at the end.

## Guides

Guides lead groups of at most fifteen people. A tour lasts fifty minutes and ends in the garden.
"""

FOLDER.mkdir(exist_ok=True)
(FOLDER / "visit.html").write_text(VISIT, encoding="utf-8")
(FOLDER / "rules.md").write_text(HOUSE, encoding="utf-8")
word = docx.Document()
for heading, text in LOANS.items():
    word.add_heading(heading)
    word.add_paragraph(text)
word.save(str(FOLDER / "loans.docx"))

made = fb.grounded(
    FOLDER,
    20,
    kinds={"one": 6, "several": 2, "none": 2},
    balance={"tone": ["formal", "casual"]},
    model=MODEL,
)
print(made.report())
for span in made[0]["spans"]:
    source = made.documents[span["document"]].text
    print(span["document"], span["heading"], source[span["start"] : span["end"]], sep=": ")
print(made.write("grounded.jsonl", format="chat-jsonl", overwrite=True).report())
