"""Removes what a model says about a text: introductions, offers, labels, quotes.

Certain chatter is removed; possible chatter is a doubt, and the text is requested again. A model
talks about its work (`Here is the review:`) or offers more of it (`Let me know if you'd like
changes`). A text that only starts with `Sure,` or invites its readers is left alone. In requested
messages, offers are part of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

from fabula.llm.json_schema.reading import unwrapped_json
from fabula.llm.rows.names import plain_name
from fabula.llm.rows.prose import HTML, MARKUP, RULE, alone, unwrapped

_YES = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|gladly|great|no problem"
    r"|understood|got it|natürlich|gerne?|klar|selbstverständlich|bien sûr|certainement"
    r"|avec plaisir|claro(?: que sí)?|por supuesto|con gusto|certo|certamente|com certeza"
    r"|natuurlijk|zeker|конечно|oczywiście|jasne|jistě|samozřejmě|självklart|visst|selvfølgelig"
    r"|elbette|tabii(?: ki)?|当然(?:可以)?|好的|没问题|もちろん(?:です)?|はい|承知しました"
    r"|물론(?:입니다|이죠)?|알겠습니다|ज़रूर|बिल्कुल|بالتأكيد|بالطبع)"
)
_PRESENTS = (
    r"(?:here(?:['’]s| is| are| you go)|below (?:is|are)|the following (?:is|are)"
    r"|i(?:['’]ve| have) (?:written|created|made|drafted|generated|prepared|come up)"
    r"|hier (?:ist|sind|kommt)|nachfolgend|voici|ci-dessous|aquí (?:tienes?|está|están|te dejo)"
    r"|ecco|di seguito|aqui (?:está|estão)|hier is|hieronder|вот|oto|poniżej|zde je|tady je"
    r"|här (?:är|kommer)|her er|işte|aşağıda|以下是|这是|下面是|以下(?:は|が|に)|こちら(?:は|が)"
    r"|다음은|여기|यहाँ|यह रहा|إليك|فيما يلي)"
)
_WORK = (
    r"(?:texts?|reviews?|descriptions?|blurbs?|sentences?|paragraphs?|stor(?:y|ies)|summar(?:y|ies)"
    r"|versions?|answers?|repl(?:y|ies)|responses?|outputs?|results?|examples?|samples?|drafts?"
    r"|e-?mails?|messages?|letters?|captions?|titles?|headlines?|taglines?|slogans?|posts?"
    r"|comments?|articles?|poems?|pairs?|rows?|\w*beschreibung(?:en)?|\w*rezension(?:en)?"
    r"|\w*bewertung(?:en)?|sätze|satz|antwort(?:en)?|absatz|zusammenfassung|geschichte|phrases?"
    r"|avis|critique|résumé|réponses?|textes?|reseñas?|descripci(?:ón|ones)|frases?|oraci(?:ón"
    r"|ones)"
    r"|respuestas?|resumen|textos?|recension[ei]|descrizion[ei]|risposta|testo|descri(?:ção|ções)"
    r"|resenhas?|resumo|beschrijving|recensie|zin|tekst|описание|отзыв|текст|ответ|предложение"
    r"|zdanie|opis|recenzj[aę]|věta|popis|recenze|mening|beskrivning|recension|sætning|beskrivelse"
    r"|anmeldelse|cümle|açıklama|metin|yorum|वाक्य|विवरण|समीक्षा|جملة|وصف|مراجعة|نص)"
)
_OFFER = (
    r"(?:please )?(?:let me know (?:if|how|what|whether|should)|feel free to (?:ask|reach|let"
    r"|request|use|modify|adjust|customi|edit)"
    r"|don['’]t hesitate|(?:i )?hope (?:this|that|these|it) (?:help|meet|work|suit|captur)"
    r"|i hope (?:this|that) is what|would you like (?:me\b|any (?:chang|adjust|more)"
    r"|another version)|do you want me|want me to|shall i\b"
    r"|is there anything else|(?:i['’]d be|i['’]m|i am|i would be) happy to|happy to (?:help"
    r"|adjust)"
    r"|just (?:ask|say|let)|lass(?:en sie)? mich wissen"
    r"|sag(?:en sie)?(?: mir)?(?: gerne?)? bescheid"
    r"|ich hoffe,? (?:das|dies)|möchte(?:n sie|st du)|soll ich|n['’]hésite[sz]? pas"
    r"|faites-moi savoir"
    r"|dites-moi|j['’]espère que|souhaitez-vous|voulez-vous|avísame|házmelo saber"
    r"|espero que (?:est|ajud|gost|te |lhe )"
    r"|¿(?:te gustaría|quieres que|desea)|no dudes en|fammi sapere|fatemi sapere|spero che quest"
    r"|vuoi che|non esitare|me avise|avise-me|fique à vontade|laat (?:het )?me weten|ik hoop dat"
    r"|дайте знать|надеюсь,? это|daj(?:cie)? mi znać|mam nadzieję, że|dejte? mi vědět|säg till om"
    r"|hör av dig|giv mig besked|sig til, hvis|bana bildir|umarım bu|请(?:告诉|随时)|希望(?:这|对)"
    r"|如需|お役に立て|お知らせください|말씀해 ?주세요|알려 ?주세요|도움이 되|मुझे बताएं|أخبرني"
    r"|لا تتردد"
    r"|(?:powered by|support) pollinations)"
)
_CHANGE = (
    r"(?:(?<!\w)(?:chang|adjust|revis|rewrit|tweak|modif|edit|another|different|shorter|longer"
    r"|regenerat|further (?:help|assist)|helps\b"
    rf"|more(?:\W*$| of these| options| variations|(?: \w+)? {_WORK}))|änder|anpass|überarbeit"
    rf"|kürzer|länger|weitere"
    r"|ajust|autre|cambi|otr[ao]|altr[ao]|altera|outr[ao]|wijzig|aanpass|andere|измен|исправ|друг"
    r"|zmian|popraw|inn[ąye]|změn|uprav|ändring|annan|ændring|değişiklik|başka|修改|调整|更多|変更"
    r"|調整|修正|수정|변경|다른|बदलाव|تعديل|تغيير|pollinations)"
)
_MESSAGE = re.compile(
    r"\b(?:e-?mails?|mails?|messages?|letters?|repl(?:y|ies)|support|chats?|conversations?"
    r"|dialog\w*"
    r"|sms|newsletters?|nachricht\w*|briefe?|lettres?|courriel|cartas?|correos?|mensajes?"
    r"|messaggi\w*"
    r"|mensage\w*|agent|assistant|invitations?)\b",
    re.I,
)
_DIALOGUE = re.compile(
    r"\b(?:assistant|chatbot|agent|chats?|conversations?|dialog\w*|answers?|responses?|repl(?:y"
    r"|ies))\b",
    re.I,
)
_ALONE = re.compile(rf"{_YES}\W*", re.I)
_WILLING = re.compile(
    rf"{_YES}\W+(?:i(?:['’]d| would) be (?:happy|glad)|i(?:['’]ll| can| will) |let me |happy to)",
    re.I,
)
_INTRODUCED = re.compile(
    rf"\W*(?P<yes>{_YES}\W{{1,4}})?{_PRESENTS}(?![a-zà-ÿ])[^\n:：]*(?P<end>[:：])?", re.I
)
_NOUN = re.compile(
    rf"(?<!\w){_WORK}(?!\w)|描述|评论|文本|句子|回答|答案|説明|レビュー|文章|短文"
    r"|문장|설명|리뷰|답변",
    re.I,
)
_STARTS_WITH_OFFER = re.compile(
    rf"\W*(?:if you\b[^.!?\n]{{0,80}}?,? |(?:wenn|falls) [^.!?\n]{{0,80}}?, "
    rf"|si vous [^.!?\n]{{0,80}}?, |如果[^。！？\n]{{0,60}}?[，,]"
    rf"|(?:他に|もし)[^。！？\n]{{0,60}}?|[^.!?\n]{{0,60}}?(?:isterseniz|istersen|시면|면) )?"
    rf"{_OFFER}",
    re.I,
)
_HAS_OFFER = re.compile(_OFFER, re.I)
_HAS_CHANGE = re.compile(_CHANGE, re.I)
_ON_WORK = re.compile(
    rf"\W*(?:these|this|those|the above|all (?:of )?(?:these"
    rf"|the))(?!\w)[^.!?\n]{{0,40}}?(?<!\w){_WORK}(?!\w)",
    re.I,
)
_ON_PARTS = re.compile(
    r"\W*(?:these|those|this|the above|all (?:of )?(?:these|the))(?!\w)[^.!?\n]{0,40}?"
    r"\b(?:pairs|examples|rows|descriptions|entries|items|samples)\b",
    re.I,
)
_NOTE = re.compile(
    r"\W*(?:note|remark|hinweis|anmerkung|remarque|nota)\W+"
    r"(?=[^\n]{0,200}\b(?:request|asked|instruct|prompt|fiction|placeholder|assum|tone\b|format\b"
    r"|anfrage|gewünscht|demand[ée]|solicit|richiest))"
    r"[^\n]*\b(?:i|i['’]ve|the above|ich|j['’]ai)\b",
    re.I,
)
_OPTION = re.compile(
    r"^\W{0,8}(?:option|version|variant\w*|alternativ\w*)\W*[1-9a-c]\b", re.I | re.M
)
_OPENING_ELEMENT = re.compile(r"<([a-z][\w-]*)(?: [^<>\n]{0,60})?>.*</\1>\s*[^<\s]", re.I | re.S)
_STRUCTURED = re.compile(r"json|\blists?\b|\barray|liste?\b|lista\b", re.I)
_TO_BE_CONTINUED = re.compile(
    r"[(\[](?:to be )?continued?(?: (?:in|on) [^)\]\n]{1,40})?[)\]]\W*\Z"
    r"|[(\[](?:fortsetzung folgt|à suivre|continuará|未完待续)[)\]]\W*\Z",
    re.I,
)
_CITED = re.compile(r" ?【\d+[^】\n]{0,20}†[^】\n]{0,60}】")
"""A model's citation marks for searched files."""
_COUNT = re.compile(r"\W*(?:word count|words|wörter|nombre de mots)\W+\d+\W*|\W*\d+ words\W*", re.I)
_LABEL = re.compile(r"[#*_\s]*(?P<label>[^\n:：*#]{1,40}?)[*_]*\s*[:：][*_]*\s*(?=\S)")
_LABELLED_LINE = re.compile(r"^[#*_ \t]*\w[\w ]{0,30}[*_]*:(?:\s|\*|$)", re.M)
_BLOCK = re.compile(r"\A[|>][+-]?\n")
"""The start of a text written as a YAML block."""
_OWN_LABEL = re.compile(
    r"text|output|answer|response|result|antwort|ergebnis|réponse|respuesta|texto|risposta|testo"
    r"|resposta|antwoord|ответ|текст|回答|答案"
)
_DRAFT = re.compile(
    r"\W*(?:(?:(?:first|initial|rough) )?(?:draft|attempt|try|version)(?: (?:1|one))?|entwurf"
    r"|brouillon|borrador|bozza)[*_]*\W{0,3}(?:[:：]|\n)",
    re.I,
)
_FINAL = re.compile(
    r"^\W{0,8}(?:(?:final|finished|revised|improved|better|polished|second|endgültige?|finale?)"
    r"(?: (?:text|version|draft|attempt|answer|try|fassung))?|revision)[*_]*\W{0,3}[:：\n]",
    re.I | re.M,
)
_THINKS = re.compile(
    r"\W*(?:(?:okay|ok|alright|hmm|so|first)\b\W+)?"
    r"(?:the user (?:wants|asks|asked|needs|is asking)\b|let(?:['’]s| me| us) think\b[^\n]*\n"
    r"|(?:we|i) (?:need to|should) (?:write|produce|generate|craft|create|compose|output)"
    rf" [^.:\n]{{0,30}}?(?<!\w){_WORK}(?!\w)"
    r"|\*(?:thinks|thinking|pauses)\*|system ?[:：] you "
    r"|(?:my )?(?:thinking|thoughts?|reasoning)(?: process)?[*_]*\W{0,3}[:：\n])",
    re.I,
)
_USER = re.compile(
    r"nutzer|utilisat|usuario|usuário|utente|gebruiker|пользовател|użytkownik|användare|kullanıcı"
    r"|用户|ユーザー|사용자",
    re.I,
)
_USER_WANTS = re.compile(
    r"(?:[^\W\d_]['’\w]{1,9}(?: [^\W\d_]{2,9})?[,.!，。] ?)?"
    r"(?:(?:der|die) (?:be)?nutzer(?:in)? (?:möchte|will|fragt|braucht|bittet)"
    r"|l['’]utilisat(?:eur|rice) (?:veut|demande|souhaite)|el usuario (?:quiere|pide|necesita)"
    r"|l['’]utente (?:vuole|chiede)|o usuário (?:quer|pede)|de gebruiker (?:wil|vraagt)"
    r"|пользовател[ья] (?:хочет|просит)|użytkownik (?:chce|prosi)|användaren (?:vill|ber)"
    r"|kullanıcı [^.\n]{1,60} istiyor|用户(?:想|要|希望|需要)|ユーザー(?:は|が)|사용자(?:가|는))"
    r"[^\n]*\n\n",
    re.I,
)
"""How a model starts its reasoning; a text about users starts similarly."""
_TURN = re.compile(r"^\W{0,3}assistant[*_]*[:：]", re.I | re.M)
_OTHER = re.compile(
    r"^\W{0,8}(?:or|alternatively|another (?:option|version|take))[*_]*[:：]", re.I | re.M
)
_ABOUT = re.compile(
    r"\W*(?:note\W+this\b[^\n]*\b(?:exactly|sentences?|words|characters|fiction\w*|synthetic)\b"
    r"|(?:translation|übersetzung|traduction|traducción|traduzione)[*_]*[:：])",
    re.I,
)
_LENGTH = re.compile(
    r"\s{0,9}[\[(](?:\d+ (?:words|characters|tokens|wörter|mots|palabras)|(?:tokens|words): ?\d+)"
    r"[\])]\s*\Z",
    re.I,
)
_MOST_WORDS = 60
"""Maximum length of a closing remark."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text, and possible chatter in it.

    Attributes:
        text: The text without certain chatter.
        doubt: The possible chatter and what to write instead; empty if there is none.
    """

    text: str
    doubt: str = ""


def without_chatter(text: str, *, asked: str, name: str = "") -> Spoken:
    """A text without the model's chatter around it.

    `asked` is the whole request; the value's `name` may precede it as a label.
    """
    whole, introduced = text, False
    text = _without_echo(_CITED.sub("", text), asked)
    is_dialogue = _DIALOGUE.search(asked) is not None  # its turns may start like introductions
    while not is_dialogue and (rest := _without_introduction(text)) != text:
        text, introduced = rest, True
    text = _LENGTH.sub("", _without_draft(text, asked))
    text = _without_offers(text, asked=asked, introduced=introduced)
    text = _without_label(alone(text, asked), asked=asked, name=name)
    if not text:
        return Spoken(whole, "the reply talks about the text but contains none")
    return Spoken(text, doubt_of(text, asked=asked) or _other_doubt(text, asked))


def _without_echo(text: str, asked: str) -> str:
    """The text without a first paragraph that repeats the request."""
    first, gap, rest = text.strip().partition("\n\n")
    said = plain_name(first.partition(":")[2] or first) if gap and len(first) < 2_000 else ""
    asked_for = {plain_name(line) for line in asked.splitlines()} if len(said) > 12 else ()
    return rest.strip() if said in asked_for and rest.strip() else text


def _without_draft(text: str, asked: str) -> str:
    """The text after the last label of a final version, if the text starts as a draft."""
    finals = [match.end() for match in _FINAL.finditer(text) if text[match.end() :].strip()]
    is_draft = finals and _DRAFT.match(text) and not re.search(r"draft|version", asked, re.I)
    return text[finals[-1] :].strip(" \n*_") if is_draft else text


def _other_doubt(text: str, asked: str) -> str:
    """Possible reasoning, turns or versions in a whole reply."""
    if _THINKS.match(text) or (_USER_WANTS.match(text) and not _USER.search(asked)):
        return "the text begins with reasoning about it; write only the text"
    if _TURN.search(text) and not _DIALOGUE.search(asked):
        return "the text continues as a conversation; write only the text"
    if _OTHER.search(text):
        return "the reply offers several texts; write one"
    if _ABOUT.match(text.rpartition("\n")[2]) and "\n" in text and "translat" not in asked.lower():
        return "the text ends with a note about it; write the text alone"
    if _TO_BE_CONTINUED.search(text):
        return "the text is not whole; write all of it"
    begun = _OPENING_ELEMENT.match(text)
    if begun and not (HTML.fullmatch(begun[1]) or MARKUP.search(asked)):
        return f"the text begins with something else in `<{begun[1]}>`; write the text alone"
    held = unwrapped_json(text) if text.startswith(("{", "[")) else None
    if not isinstance(held, str | None) and not _STRUCTURED.search(asked):
        return "the reply is JSON; write the text alone"
    return ""


def without_farewell(text: str) -> str:
    """A reply of several numbered parts, without closing paragraphs about all of them."""
    text = _without_offers(text, asked="", introduced=False)
    before, gap, last = text.rpartition("\n\n")
    return before.rstrip() if gap and _ON_PARTS.match(last) else text


def doubt_of(text: str, *, asked: str) -> str:
    """Possible chatter in a text, as an instruction to avoid it; else empty."""
    line, _, rest = text.strip().partition("\n")
    found = _INTRODUCED.match(line)
    noun = found and _NOUN.search(found.group())
    if found and found["end"]:
        return "the text begins like an introduction to it; write the text alone"
    if found and not rest and ("you go" in line.lower() or (found["yes"] and noun)):
        return "the reply talks about the text but contains none"
    last = text.rstrip().splitlines()[-1].strip() if text.strip() else ""
    sentence = re.split(r"(?<=[.!?。！？])\s+", last)[-1]
    is_message = _MESSAGE.search(asked) is not None
    for said in dict.fromkeys((last, sentence)):
        changes = _HAS_CHANGE.search(said) is not None
        is_talk = changes and _NOUN.search(said) if is_message else changes or said == last
        if _STARTS_WITH_OFFER.match(said) and is_talk:
            return "the text ends like an offer to its reader; write the text alone"
    itself = _ON_WORK.match(last)
    if itself and last != text and _stem(itself.group().split()[-1]) in asked.lower():
        return "the text ends with words about itself; write the text alone"
    if last != text and not is_message and _NOTE.match(last):
        return "the text ends with a note about it; write the text alone"
    if "option" not in asked.lower() and len(_OPTION.findall(text)) > 1:
        return "the reply offers several texts; write one"
    return ""


def _stem(noun: str) -> str:
    """The start of a noun, which the task's verb shares: `describe` and `description`."""
    return noun.lower().rstrip("s")[:6]


def _without_introduction(text: str) -> str:
    """The text without a line, or the start of one, that only introduces it."""
    text = text.strip()
    line, _, rest = text.partition("\n")
    rest, is_paragraph = rest.strip(), rest.startswith(("\n", "\r\n"))
    found = _INTRODUCED.match(line)
    if rest and is_paragraph and (_ALONE.fullmatch(line) or _WILLING.match(line)):
        return rest
    if found is None:
        return text
    yes, noun = found["yes"], _NOUN.search(found.group())
    after = line[found.end() :].strip(" *_")
    if rest and not after and found["end"] and (yes or noun):
        return rest
    if rest and is_paragraph and (yes or "you go" in found.group().lower()) and not after:
        return rest
    if after and found["end"] and yes and noun:
        return "\n".join(filter(None, (after, text[len(line) :].rstrip()))).strip()
    return text


def _without_offers(text: str, *, asked: str, introduced: bool) -> str:
    """The text without closing paragraphs and lines that are certainly chatter."""
    lines = text.rstrip().splitlines()
    introduced = introduced and not _MESSAGE.search(asked)
    while len(lines) > 1:
        last = lines[-1].strip()
        before = next((line.strip() for line in lines[-2::-1] if line.strip()), "")
        ruled = RULE.fullmatch(before) is not None
        if not (_COUNT.fullmatch(last) or _is_offer(last, asked, sure=introduced or ruled)):
            break
        lines.pop()
        while lines and (not lines[-1].strip() or RULE.fullmatch(lines[-1])):
            lines.pop()
    return "\n".join(lines).strip()


def _is_offer(line: str, asked: str, *, sure: bool) -> bool:
    """Whether a last line certainly offers more or other work."""
    if len(line.split()) > _MOST_WORDS:
        return False
    offers = _STARTS_WITH_OFFER.match(line) is not None
    if sure:
        return offers or _ON_WORK.match(line) is not None
    if _MESSAGE.search(asked):
        return False
    if _ON_WORK.match(line):
        return _HAS_OFFER.search(line) is not None
    return offers and _HAS_CHANGE.search(line) is not None


def _without_label(text: str, *, asked: str, name: str) -> str:
    """The text without its name before it, or around it as JSON."""
    held = unwrapped_json(text)
    if isinstance(held, list) and len(held) == 1 and isinstance(held[0], str):
        return held[0].strip() if not _STRUCTURED.search(asked) else text
    if isinstance(held, dict) and len(held) == 1:
        [(key, value)] = held.items()
        if isinstance(value, str) and (
            "json" not in asked.lower() or _is_label(str(key), asked, name)
        ):
            return value.strip()
    found = _LABEL.match(text)
    if found is None or len(_LABELLED_LINE.findall(text)) > 1:
        return text
    label = found["label"].strip()
    is_cue = asked.rstrip(" *_").endswith(f"{label}:")
    if not _is_label(label, asked, name) or (f"{label}:".lower() in asked.lower() and not is_cue):
        return text
    rest = _BLOCK.sub("", text[found.end() :])
    return unwrapped(dedent(rest).strip(" *_\n"))


def _is_label(label: str, asked: str, name: str) -> bool:
    """Whether the words before a text are its name or part of the request."""
    plain = plain_name(label)
    if _OWN_LABEL.fullmatch(plain) or plain == plain_name(name):
        return True
    noun = label.rpartition(" ")[2]
    if _NOUN.fullmatch(noun) is None:
        return False
    return label.lower() in asked.lower() or (noun == label and _stem(noun) in asked.lower())
