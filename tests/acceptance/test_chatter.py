"""What a model says around a text is not data; what only looks like it stays or is asked again."""

from __future__ import annotations

from time import process_time

import pytest

import fabula as fb
from fabula.llm.rows.chatter import without_chatter
from fabula.llm.rows.reasoning import without_thoughts
from fabula.testing import ChatServer
from tests.acceptance.builders import at

ASKED = "Write a review of a lamp."

SURE = {
    "introduction, quotes, offer": (
        'Sure! Here\'s a short blurb:\n\n"A warm lamp."\n\nLet me know if you want changes.',
        "A warm lamp.",
    ),
    "introduction on one line": ("Certainly! Here is your review: A warm lamp.", "A warm lamp."),
    "two introductions": (
        "Of course! I'd be happy to help.\n\nHere is the review:\n\nA warm lamp.",
        "A warm lamp.",
    ),
    "rule and offer": ("A warm lamp.\n\n---\nFeel free to ask for more.", "A warm lamp."),
    "offer of another": (
        "A warm lamp.\n\nIf you'd like a shorter version, just let me know!",
        "A warm lamp.",
    ),
    "fence": ("Here is the review:\n```\nA warm lamp.\n```\nHope this helps!", "A warm lamp."),
    "label": ("**Review:** A warm lamp.", "A warm lamp."),
    "own name": ("Blurb: A warm lamp.", "A warm lamp."),
    "JSON": ('{"review": "A warm lamp."}', "A warm lamp."),
    "curly quotes": ("“A warm lamp.”", "A warm lamp."),
    "count": ("A warm lamp.\n\n(Word count: 3)", "A warm lamp."),
    "German": (
        "Natürlich! Hier ist eine Rezension:\n\nEine warme Lampe.\n\n"
        "Lass mich wissen, wenn du Änderungen möchtest.",
        "Eine warme Lampe.",
    ),
    "French": (
        "Bien sûr ! Voici un avis :\n\nUne lampe.\n\nN'hésitez pas à demander des modifications.",
        "Une lampe.",
    ),
    "Spanish": (
        "¡Claro! Aquí tienes una reseña:\n\nBuena.\n\nAvísame si quieres cambios.",
        "Buena.",
    ),
    "Portuguese": ("Claro! Aqui está:\n\nBoa.\n\nEspero que ajude!", "Boa."),
    "Japanese": (
        "もちろんです。以下が説明文です：\n\n暖かい。\n\n他にご要望があればお知らせください。",
        "暖かい。",
    ),
    "Chinese offer": ("温暖的灯。\n\n如果您需要修改，请告诉我。", "温暖的灯。"),
    "a smile": ("Here you go! 😊\n\nA warm lamp.", "A warm lamp."),
    "a tag": ("<review>\nA warm lamp.\n</review>", "A warm lamp."),
    "rules": ("---\nA warm lamp.\n---", "A warm lamp."),
    "JSON of another name": ('{"body": "A warm lamp."}', "A warm lamp."),
    "a draft": ("Draft: A lamp.\n\nFinal version: A warm lamp.", "A warm lamp."),
    "a bold draft": ("**First attempt**\nA lamp.\n\n**Revised**\nA warm lamp.", "A warm lamp."),
    "its length": ("A warm lamp. (3 words)", "A warm lamp."),
    "another turn": ("A warm lamp.<|im_end|>\n<|im_start|>user\nMore", "A warm lamp."),
    "Polish": (
        "Oczywiście! Oto recenzja:\n\nCiepła.\n\nDaj mi znać, jeśli chcesz zmian!",
        "Ciepła.",
    ),
    "Swedish": (
        "Självklart! Här är en recension:\n\nVarm.\n\nSäg till om du vill ha ändringar!",
        "Varm.",
    ),
    "Turkish": (
        "Elbette! İşte bir yorum:\n\nSıcak.\n\nDeğişiklik isterseniz bana bildirin!",
        "Sıcak.",
    ),
    "Korean": (
        "물론입니다! 다음은 리뷰입니다:\n\n따뜻해요.\n\n수정이 필요하시면 말씀해 주세요!",
        "따뜻해요.",
    ),
    "Hindi": ("ज़रूर! यहाँ एक समीक्षा है:\n\nगर्म।", "गर्म।"),
    "the task": (f"Task: {ASKED}\n\nA warm lamp.", "A warm lamp."),
    "the prompt": (f"{ASKED}\n\nA warm lamp.", "A warm lamp."),
    "a turn's head": ("<|im_start|>assistant\nA warm lamp.", "A warm lamp."),
    "Llama's head": (
        "<|start_header_id|>assistant<|end_header_id|>\n\nA warm lamp.",
        "A warm lamp.",
    ),
    "an instruction's end": ("[/INST] A warm lamp.", "A warm lamp."),
    "escaped thoughts": ("&lt;think&gt;Hm.&lt;/think&gt;\nA warm lamp.", "A warm lamp."),
    "unused tokens": ("<unused94>thought\nHm.<unused95>A warm lamp.", "A warm lamp."),
    "a process": ("<thought_process>Hm.</thought_process>\nA warm lamp.", "A warm lamp."),
    "a list of one": ('["A warm lamp."]', "A warm lamp."),
    "a box": ("\\boxed{A warm lamp.}", "A warm lamp."),
    "a quote": ("> A warm lamp.", "A warm lamp."),
    "bold": ("**A warm lamp.**", "A warm lamp."),
    "a block of YAML": ("text: |\n  A warm lamp.\n  And bright.", "A warm lamp.\nAnd bright."),
    "tokens": ("A warm lamp.\n\n[Tokens: 12]", "A warm lamp."),
    "an advertisement": (
        "A warm lamp.\n\n---\nPowered by Pollinations.AI free text APIs.",
        "A warm lamp.",
    ),
    "cited files": ("A warm lamp【4†source】.", "A warm lamp."),
    "Chinese": ("当然！以下是一段描述：\n\n温暖的灯。\n\n如需修改，请告诉我。", "温暖的灯。"),
}

DATA = [
    "Sure, the screen is small, but I love it.",
    "If you need a kettle, this is for you.",
    "A lamp for you.\n\nFeel free to visit our store!",
    "Good lamp.\nI hope this one lasts longer than the old one.",
    "Anna: hi\nBen: ho",
    "Verdict: buy it.",
    'She said "warm" and left.',
    "Great.",
    "<b>A warm lamp.</b>",
    "A warm lamp.\n\nNote: I bought this in March.",
    "There is one version.\nVersion 2 is better.",
    "Draft beer lights up with it.\nFinal words: buy it.",
    "We need to talk about this lamp.",
    "A warm lamp.\n\nNote: this lamp gets hot.",
    "User: admin\nLamp: warm",
    "Thinking of a lamp? Buy it.",
    "Der Nutzer möchte ein warmes Licht.",
    "Task: light. Done.",
    "> Warm, they say.\n\nIt is.",
    "**Warm**, and **bright**.",
    "To be continued by the next lamp.",
    "> 90 % of buyers like it.",
    "[Verse 1] Warm light.",
]

NOT_SURE = [
    "Sure, here is the problem: the battery dies.",
    "Here is a review: A warm lamp.",
    "Sure! Here you go!",
    "Option 1: A warm lamp.\n\nOption 2: A cold lamp.",
    "A warm lamp.\n\nNote: I kept it short, as you requested.",
    "A warm lamp. Let me know if you'd like any changes!",
    "A warm lamp.\n\nThis review praises its warmth.",
    "A warm lamp.\n\nLet me know if you have any questions.",
    "Okay, the user wants a review of a lamp. Short, then.\n\nA warm lamp.",
    "We need to write a review of a lamp. Let's do: A warm lamp.",
    "Let me think about lamps.\n\nA warm lamp.",
    "Thinking: lamps are warm\n---\nA warm lamp.",
    "A warm lamp.\n\nUser: Another one.\nAssistant: A cold lamp.",
    "A warm lamp.\n\nAlternatively: A cold lamp.",
    "A warm lamp.\n\n*Note: this is exactly one sentence.*",
    "A warm lamp.\n\n(Translation: Una lámpara cálida.)",
    '{"draft": "A lamp.", "final": "A warm lamp."}',
    '{"choices": [{"message": {"content": "A warm lamp."}}]}',
    "Okay, der Nutzer möchte eine Rezension.\n\nEine warme Lampe.",
    "D'accord, l'utilisateur veut un avis.\n\nUne lampe.",
    "好的，用户想要一段评论。\n\n温暖的灯。",
    "<planning>A lamp, warm.</planning>\nA warm lamp.",
    "*thinks* A lamp.\n\nA warm lamp.",
    "A warm lamp that (continued in the next message)",
]


def write(server: ChatServer, prompt: str = ASKED) -> list[str]:
    """The texts of one column that a run writes."""
    column = {"kind": "text", "prompt": prompt}
    table = {"n": 1, "columns": {"id": {"kind": "key"}, "blurb": column}}
    model = {"base_url": server.url, "name": "m", "provider": "openai-compatible"}
    made = fb.generate({"models": {"default": model}, "tables": {"t": table}})
    return [row["blurb"] for row in made.to_dicts()]


@pytest.mark.parametrize(("reply", "text"), SURE.values(), ids=SURE)
def test_what_surely_is_talk_is_taken_off_a_text(reply: str, text: str) -> None:
    with ChatServer([reply]) as server:
        assert write(server) == [text]
    assert len(server.calls) == 1


@pytest.mark.parametrize("reply", DATA)
def test_a_text_that_looks_like_talk_is_left_alone(reply: str) -> None:
    with ChatServer([reply]) as server:
        assert write(server) == [reply]
    assert len(server.calls) == 1


@pytest.mark.parametrize("reply", NOT_SURE)
def test_what_may_be_talk_is_asked_again_with_the_reason(reply: str) -> None:
    with ChatServer([reply, "A warm lamp."]) as server:
        assert write(server) == ["A warm lamp."]
    assert len(server.calls) == 2
    assert "not accepted" in server.calls[1].prompt
    assert any(
        told in server.calls[1].prompt for told in ("alone", "holds none", "write one", "all of it")
    )


def test_a_text_that_repeats_what_was_asked_is_asked_again() -> None:
    with ChatServer([ASKED, "A warm lamp."]) as server:
        assert write(server) == ["A warm lamp."]
    assert len(server.calls) == 2


def test_offers_belong_to_messages() -> None:
    mail = "Dear Ann,\nyour parcel is late.\n\nPlease let me know if you have any questions."
    with ChatServer([f"Sure! Here is the email:\n\n{mail}"]) as server:
        assert write(server, "Write an email to a customer.") == [mail]


def test_a_described_item_has_the_description_alone() -> None:
    reply = "Sure! Here's a text about Tom Hanks:\n\nTom Hanks starred in Big."
    with ChatServer([reply]) as server:
        [made] = fb.describe([{"actor": "Tom Hanks", "film": "Big"}], model=at(server))
    assert made["text"] == "Tom Hanks starred in Big."


PAIR = "{n}.\nInput: Lamp {n}, Home\nOutput: Warm light {n}."


@pytest.mark.parametrize(
    "farewell",
    [
        "These are all the training pairs. Let me know if you'd like more!",
        "Let me know if you need different ones!",
        "---\nI hope these help!",
    ],
)
def test_the_last_of_numbered_pairs_ends_with_its_text(farewell: str) -> None:
    reply = "\n\n".join([PAIR.format(n=1), PAIR.format(n=2), farewell])
    with ChatServer([reply]) as server:
        made = fb.pairs("name, topic → text", n=2, model=at(server))
    assert [pair["text"] for pair in made] == ["Warm light 1.", "Warm light 2."]
    assert len(server.calls) == 1


def test_a_last_pair_that_may_end_with_talk_is_asked_again() -> None:
    first = "\n\n".join(
        [PAIR.format(n=1), PAIR.format(n=2) + " Let me know if you'd like changes!"]
    )
    with ChatServer([first, PAIR.format(n=3)]) as server:
        made = fb.pairs("name, topic → text", n=2, model=at(server))
    assert [pair["text"] for pair in made] == ["Warm light 1.", "Warm light 3."]


@pytest.mark.parametrize("signs", ["-\n", "\n", " ", ".", "[your ", "Final:\n", "<|im_end|> "])
def test_reading_a_long_reply_takes_time_by_its_length(signs: str) -> None:
    """Four times the length takes about four times as long; by its square it would be sixteen."""
    short, long = (_reading_time(signs * (size // len(signs))) for size in (15_000, 60_000))
    assert long < 9 * short + 0.05


def _reading_time(signs: str) -> float:
    """CPU seconds, the least of three, so that a busy machine does not decide."""
    seconds = []
    for _ in range(3):
        started = process_time()
        without_chatter(without_thoughts(f"A lamp.{signs}x"), asked=ASKED)
        seconds.append(process_time() - started)
    return min(seconds)
