"""Annotated sentences: awkward ones by hand, and any texts with random tags and trees; and what is measured of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.marks import Marks, mark
from attnmetrics.annotation.sentence import Column, Mentions, Sentences
from attnmetrics.metrics.reference.pieces import label_pieces
from attnmetrics.metrics.reference.sentence import Mention, Sentence, Word
from attnmetrics.metrics.reference.twins import Reference
from attnmetrics.metrics.schema import COREFERENT, LABELS, LINKS, SPECIAL, Schema, declare
from attnmetrics.model.load import Model
from attnmetrics.pieces.units import SegmentIds, Units, read_pairs, read_sentences, read_windows

POS = ("ADJ", "ADP", "AUX", "DET", "NOUN", "PRON", "PROPN", "PUNCT", "VERB", "_")
REL = ("amod", "aux", "case", "conj", "det", "nmod", "nsubj", "nsubj:pass", "obj", "obl", "punct", "root", "_")
GOLD = {
    "Vamos al río.": [  # the words "a" and "el" do not spell "al": both cover it
        (0, 5, "VERB", "root", -1), (6, 8, "ADP", "case", 3), (6, 8, "DET", "det", 3), (9, 12, "NOUN", "obl", 0),
        (12, 13, "PUNCT", "punct", 0),
    ],
    "Don't!": [(0, 2, "AUX", "root", -1), (2, 5, "ADJ", "amod", 0), (5, 6, "PUNCT", "punct", 0)],
    "The 🦉 ate 🍰🍰 .": [
        (0, 3, "DET", "det", 1), (4, 5, "NOUN", "nsubj", 2), (6, 9, "VERB", "root", -1), (10, 12, "NOUN", "obj", 2),
        (13, 14, "PUNCT", "punct", 2),
    ],
    "A": [(0, 1, "DET", "root", -1)],
    "Go on": [(0, 2, "VERB", "root", -1), (3, 5, "ADP", "case", 0)],
    "white\tspace   inside": [(0, 5, "ADJ", "amod", 1), (6, 11, "NOUN", "root", -1), (14, 20, "ADP", "case", 1)],
    "b  a": [  # white space that is a word, as spaCy has it: the piece " a" overlaps it as much as the word "a"
        (0, 1, "NOUN", "nsubj", 2), (2, 3, "_", "_", 0), (3, 4, "VERB", "root", -1),
    ],
    "half of it": [(0, 4, "NOUN", "root", -1)],  # pieces that overlap no word
    "[SEP] is <s>": [(0, 5, "NOUN", "nsubj", 1), (6, 8, "VERB", "root", -1), (9, 12, "NOUN", "obj", 1)],
}  # fmt: skip


@dataclass(frozen=True)
class Annotated:
    text: str
    words: tuple[Word, ...]
    document: int
    sentence: int
    mentions: tuple[Mention, ...] = ()
    """by head word; what they say of the document holds there"""


def corpus(texts: Sequence[str]) -> list[Annotated]:
    """The gold sentences, then these texts with random tags and trees; the first two texts once more at the end.

    Five sentences make a document; random words in it are head words of mentions.
    """
    random = np.random.default_rng(0)
    sentences = [(text, tuple(Word(*word) for word in words)) for text, words in GOLD.items()]
    sentences += [(text, random_words(text, random)) for text in texts]
    sentences += sentences[len(GOLD) : len(GOLD) + 2]
    annotated = [Annotated(text, words, *divmod(place, 5)) for place, (text, words) in enumerate(sentences)]
    return [one for start in range(0, len(annotated), 5) for one in with_mentions(annotated[start : start + 5], random)]


def with_mentions(document: Sequence[Annotated], random: np.random.Generator) -> list[Annotated]:
    """A document with features of words, most of which are head words of mentions."""
    places = [(n, word) for n, one in enumerate(document) for word in range(len(one.words))]
    kept = sorted(random.choice(len(places), 4 * len(places) // 5, replace=False).tolist())
    entities = random.integers(3, size=len(kept)).tolist()
    mentions = [
        Mention(
            word=places[at][1],
            entity=entity,
            text=str(random.choice(["the Owl", "the owl", "it"])),
            anaphoric=bool(random.random() < 0.8),
            of_entity=entities.count(entity),
            earlier=sum(other == entity and before < at for other, before in zip(entities, kept, strict=True)),
        )
        for at, entity in zip(kept, entities, strict=True)
    ]
    found = []
    for n, one in enumerate(document):
        words = tuple(replace(word, form=str(random.choice(FORMS)), feats=random_feats(random)) for word in one.words)
        own = tuple(mention for mention, at in zip(mentions, kept, strict=True) if places[at][0] == n)
        found.append(replace(one, words=words, mentions=own))
    return found


FORMS = ("", "Owl", "owl")
FEATS = {"Number": ("Sing", "Plur"), "Gender": ("Fem", "Masc"), "Case": ("Nom", "Acc")}


def random_feats(random: np.random.Generator) -> dict[str, str]:
    return {key: str(random.choice(values)) for key, values in FEATS.items() if random.random() < 0.6}


def random_words(text: str, random: np.random.Generator) -> tuple[Word, ...]:
    """What stands between spaces, cut before a last comma or full stop, in a random tree."""
    spans, start = [], 0
    for token in text.split(" "):
        end = start + len(token)
        cut = end - 1 if len(token) > 1 and token[-1] in ".,;!" else end
        spans += [span for span in ((start, cut), (cut, end)) if span[0] < span[1]]
        start = end + 1
    order = random.permutation(len(spans))
    heads = {int(word): int(order[random.integers(place)]) if place else -1 for place, word in enumerate(order)}
    return tuple(
        Word(*span, str(random.choice(POS[:-1])), str(random.choice(REL[:-1])), heads[place])
        for place, span in enumerate(spans)
    )


def columns(sentences: Sequence[Annotated]) -> Sentences:
    """As the package takes them."""
    words = [word for sentence in sentences for word in sentence.words]
    feats = ["|".join(f"{key}={value}" for key, value in word.feats.items()) or "_" for word in words]
    misc = ["_" if animacy(word) == "none" else f"Animacy={animacy(word)}|X=1" for word in words]
    return Sentences(
        document=tuple(f"document {sentence.document}" for sentence in sentences),
        document_index=np.array([sentence.document for sentence in sentences]),
        sentence=np.array([sentence.sentence for sentence in sentences]),
        text=tuple(sentence.text for sentence in sentences),
        word_offsets=np.cumsum([0, *(len(sentence.words) for sentence in sentences)]),
        word_start=np.array([word.start for word in words]),
        word_end=np.array([word.end for word in words]),
        word_head=np.array([word.head for word in words]),
        columns={
            "pos": Column(POS, np.array([POS.index(word.pos) for word in words])),
            "rel": Column(REL, np.array([REL.index(word.rel) for word in words])),
            "misc": Column.of(misc),
            "feats": Column.of(feats),
            "form": Column.of([word.form for word in words]),
        },
        mentions=mention_columns(sentences),
    )


def mention_columns(sentences: Sequence[Annotated]) -> Mentions:
    first = np.cumsum([0, *(len(sentence.words) for sentence in sentences)]).tolist()
    every = [(n, one) for n, sentence in enumerate(sentences) for one in sentence.mentions]
    return Mentions(
        word=np.array([first[n] + one.word for n, one in every], np.int64),
        entity=np.array([4 * sentences[n].document + one.entity for n, one in every], np.int64),
        of_entity=np.array([one.of_entity for _, one in every], np.int64),
        earlier=np.array([one.earlier for _, one in every], np.int64),
        text=Column.of([one.text.casefold() for _, one in every]),
        link=Column.of(["coref" if one.anaphoric else "appos" for _, one in every]),
    )


# --- what is measured: what every run has, a label from a key, and a link by a function -------------------------------

ANIMACY = ("human", "none", "thing", "_")


def animacy(word: Word) -> str:
    return {"PRON": "human", "PROPN": "human", "NOUN": "thing"}.get(word.pos, "none")


def same_pos(words: Sequence[Word]) -> frozenset[tuple[int, int]]:
    """(word, later word) with the same part of speech."""
    places = range(len(words))
    return frozenset((a, b) for a in places for b in places if a > b and words[a].pos == words[b].pos)


def new_schema(layers: int, heads: int, own: bool = True) -> Schema:
    """With labels and links of the user's, unless these are not wanted."""
    names = {"pos": POS, "rel": REL, "special": SPECIAL}
    if not own:
        return Schema(tuple(range(layers)), heads, LABELS, (*LINKS, COREFERENT), names)
    labels, links = declare({"animacy": "word.misc.Animacy"}, {"same_pos": "python:user_functions:same_pos"})
    return Schema(tuple(range(layers)), heads, labels, (*links, COREFERENT), {**names, "animacy": ANIMACY})


def mark_words(sentences: Sentences, schema: Schema) -> Marks:
    return mark(sentences, schema, Functions.find(link.source for link in schema.links))


def read_gold_pairs(sentences: Sequence[Annotated], model: Model, size: int, segment_ids: SegmentIds) -> Units:
    """Pairs of segments."""
    taken = columns(sentences)
    marks = mark_words(taken, new_schema(len(model.layers), model.heads, own=False))
    return read_pairs(taken, marks, model, size, segment_ids)


def read_units(sentences: Sequence[Annotated], model: Model, window: int | None = None, own: bool = False) -> Units:
    """Sentences, or windows of so many pieces."""
    taken = columns(sentences)
    marks = mark_words(taken, new_schema(len(model.layers), model.heads, own))
    return read_sentences(taken, marks, model) if window is None else read_windows(taken, marks, model, window)


def new_reference(layers: int, heads: int, causal: bool, own: bool = True) -> Reference:
    labels = {"pos": POS, "rel": REL, "special": SPECIAL} | ({"animacy": ANIMACY} if own else {})
    links = {"dependency": True, "repeat": False, "induction": False, "coreference": False}
    links |= {"same_pos": False} if own else {}
    return Reference(layers, heads, causal, labels, links)


def label(sentence: Sentence) -> Sentence:
    """A sentence for the reference with labels and links of its pieces, those of the user's too."""
    names = [animacy(word) for word in sentence.words]
    return label_pieces(sentence, {"animacy": names}, {"same_pos": same_pos(sentence.words)})
