"""Do the sentences behind each card of an atlas show what the card says?

Reads the written page as a person does, in a browser, and the annotations; knows nothing of how the cards, the heads
and the sentences were chosen. Of every card the first three sentences are looked at.

    python tests/check_cards.py PAGE.html ANNOTATIONS
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pages import chromium, page_sentences
from playwright.sync_api import Page

FIRST = 3
TAGS = {
    "nouns": "NOUN", "proper nouns": "PROPN", "determiners": "DET", "verbs": "VERB", "punctuation": "PUNCT",
    "pronouns": "PRON", "adjectives": "ADJ", "adpositions": "ADP", "numbers": "NUM",
}  # fmt: skip
OF_ROWS = (
    "most null attention", "most local", "most distant", "most diffuse", "sharpest", "least variable", "most variable",
)  # fmt: skip
"""Cards that no pair of pieces can show: a page says what the sentences beside them are."""


@dataclass(frozen=True)
class Sentence:
    """What the page shows: pieces, and which of them looks at which."""

    source: str
    pieces: list[str]
    i: int
    j: int


@dataclass(frozen=True)
class Annotated:
    """A sentence of the annotations."""

    text: str
    start: list[int]
    end: list[int]
    head: list[int]
    pos: list[str]

    def word(self, start: int, end: int) -> int | None:
        """The word that most of a stretch of the text lies in."""
        overlaps = [min(end, b) - max(start, a) for a, b in zip(self.start, self.end, strict=True)]
        return overlaps.index(max(overlaps)) if overlaps and max(overlaps) > 0 else None


@dataclass(frozen=True)
class Verdict:
    """A card, and what its first sentences show."""

    card: str
    head: str
    is_on: bool
    """whether the page says of the head that it is not nearly switched off"""
    shown: int
    """sentences that show what the card says"""
    of: int
    told: str
    """of a card about rows, what the page says its sentences are"""

    @property
    def is_right(self) -> bool:
        """Whether all is as the card says."""
        return self.is_on and self.of > 0 and self.shown == self.of


# ---- what a pair shows


def shows(card: str, one: Sentence, annotated: Annotated) -> bool:
    """Whether the marked pair of a sentence is one of those that a card is about."""
    at = _spans(one.pieces, annotated.text)
    words = [None if span is None else annotated.word(*span) for span in (at[one.i], at[one.j])]
    return _RULES[card](one, words, annotated)


Rule = Callable[[Sentence, list[int | None], Annotated], bool]


def _to_tag(tag: str) -> Rule:
    return lambda one, words, annotated: words[1] is not None and annotated.pos[words[1]] == tag


def _along_dependencies(one: Sentence, words: list[int | None], annotated: Annotated) -> bool:
    a, b = words
    return a is not None and b is not None and a != b and (annotated.head[a] == b or annotated.head[b] == a)


def _is_repeated(one: Sentence, words: list[int | None], annotated: Annotated) -> bool:
    return one.j < one.i and one.pieces[one.i] == one.pieces[one.j]


def _is_induced(one: Sentence, words: list[int | None], annotated: Annotated) -> bool:
    return 0 < one.j < one.i and one.pieces[one.j - 1] == one.pieces[one.i]


_RULES: dict[str, Rule] = {
    **{f"to {name}": _to_tag(tag) for name, tag in TAGS.items()},
    "along dependencies": _along_dependencies,
    "previous piece": lambda one, words, annotated: one.j == one.i - 1,
    "own piece": lambda one, words, annotated: one.j == one.i,
    "repeated piece": _is_repeated,
    "induction": _is_induced,
}


def _spans(pieces: list[str], text: str) -> list[tuple[int, int] | None]:
    """Where each piece stands in a text, upper or lower case, accents or none; None for one that does not."""
    plain = [(letter, place) for place, whole in enumerate(text) for letter in _letters(whole)]
    letters, found, cursor = "".join(letter for letter, _ in plain), [], 0
    for piece in pieces:
        wanted = _letters(piece)
        start = letters.find(wanted, cursor, cursor + len(wanted) + 24) if wanted else -1
        if start < 0:
            found.append(None)
            continue
        cursor = start + len(wanted)
        found.append((plain[start][1], plain[cursor - 1][1] + 1))
    return found


def _letters(text: str) -> str:
    whole = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in whole if not one.isspace() and one not in "␣▯⏎⇥" and not unicodedata.combining(one))


# ---- the page


def check(page: Page, annotations: Path) -> list[Verdict]:
    """A verdict on every card of an atlas that is open."""
    known = annotated_sentences(annotations)
    has_typical = any(page_sentences(page.content())["typical"])
    return [_verdict(page, place, known, has_typical) for place in range(_cards(page))]


def _cards(page: Page) -> int:
    _go(page, "#/")
    return page.locator(".role-card").count()


def _verdict(page: Page, place: int, known: dict[tuple[str, int], Annotated], has_typical: bool) -> Verdict:
    _go(page, "#/")
    card = page.locator(".role-card").nth(place)
    title, head = card.locator(".role").inner_text(), card.locator(".where").inner_text()
    _go(page, str(card.get_attribute("href")))
    is_on = "nearly switched off" not in page.locator(".page").inner_text().split("Sentences")[0].lower()
    if title in OF_ROWS:
        told = "; ".join(page.locator("#sentences [role=tab][aria-selected=true], #sentences .help").all_inner_texts())
        wanted = "Typical; " if has_typical else "strongest single attention"
        return Verdict(title, head, is_on, int(wanted in told), 1, told)
    sentences = list(_first_sentences(page))
    right = [shows(title, one, known[_key(one.source)]) for one in sentences]
    return Verdict(title, head, is_on, sum(right), len(right), "")


def _go(page: Page, address: str) -> None:
    page.evaluate(
        """address => location.hash === address ? null : new Promise(drawn => {
            addEventListener('hashchange', () => drawn(), {once: true});
            location.hash = address;
        })""",
        address,
    )
    page.wait_for_selector(".page h1")


def _first_sentences(page: Page) -> Iterator[Sentence]:
    listed = page.locator(".exemplars").first.locator(".exemplar")
    for place in range(min(FIRST, listed.count())):
        one = listed.nth(place)
        while one.locator("button.more").count():
            one.locator("button.more").first.click()
            one.locator(".source").hover()
        told: dict[str, Any] = one.evaluate(
            """item => ({
                pieces: [...item.querySelectorAll('.piece')].map(piece => piece.textContent),
                i: item.querySelector('.piece.attending').dataset.place,
                j: item.querySelector('.piece.strongest').dataset.place,
                source: item.querySelector('.source').textContent,
            })"""
        )
        yield Sentence(told["source"].split(" · ")[1], told["pieces"], int(told["i"]), int(told["j"]))


# ---- the annotations


def annotated_sentences(folder: Path) -> dict[tuple[str, int], Annotated]:
    """By document and sentence."""
    columns = ["document", "sentence", "text", "word_start", "word_end", "word_head", "word_pos"]
    rows = [
        row for file in sorted(folder.glob("*.parquet")) for row in pq.read_table(file, columns=columns).to_pylist()
    ]
    return {(row["document"], row["sentence"]): Annotated(*(row[name] for name in columns[2:])) for row in rows}


def _key(source: str) -> tuple[str, int]:
    """Document and sentence of "telegraph, sentence 7", where links may follow."""
    document, _, rest = source.rpartition(", sentence ")
    return document, int("".join(letter for letter in rest if letter.isdigit()))


def check_page(path: Path, annotations: Path) -> list[Verdict]:
    """A verdict on every card of a written atlas."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(path.absolute().as_uri())
        page.wait_for_selector(".role-card")
        return check(page, annotations)


def main(path: str, annotations: str) -> int:
    """Print a line a card, and whether all are right."""
    verdicts = check_page(Path(path), Path(annotations))
    for one in verdicts:
        switched = "" if one.is_on else ", nearly switched off"
        print(f"{one.card}: {one.head}{switched}, {one.shown} of {one.of} {json.dumps(one.told) if one.told else ''}")
    right = sum(one.is_right for one in verdicts)
    print(f"{right} of {len(verdicts)} cards")
    return int(right < len(verdicts))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
