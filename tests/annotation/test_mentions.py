"""Mentions of entities: read from the brackets of CoNLL-U and from spaCy's groups of spans."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from attnmetrics.annotation.conllu import ConlluAnnotator, GoldDocument, LabelScan, parse
from attnmetrics.annotation.mentions import MENTIONS, Span, make_mentions
from attnmetrics.annotation.sentence import Sentences
from attnmetrics.annotation.spacy import SpacyAnnotator
from attnmetrics.assets import PIPELINES
from attnmetrics.corpus import Document, read_documents

GUM = "GRP-etype-infstat-salience-centering-minspan-link-identity"
OLD_GUM = "entity-GRP-infstat-MIN-coref_type-identity"
COREFUD = "eid-etype-head-minspan-infstat-link-identity"


def sentence(*words: str, fields: str = "") -> str:
    """Lines of a sentence of words such as `Mary/2/(1-person)`: form, head, and the value of Entity."""
    lines = [f"# global.Entity = {fields}"] if fields else []
    for number, word in enumerate(words, start=1):
        form, head, *entity = word.split("/", 2)
        misc = f"Entity={entity[0]}" if entity and entity[0] != "_" else "_"
        tag = "PRON" if form.lower() in ("she", "it", "who", "they") else "NOUN"
        lines.append(f"{number}\t{form}\t_\t{tag}\t_\t_\t{head}\tdep\t_\t{misc}")
    return "\n".join(lines) + "\n\n"


def document(*sentences: str, fields: str = "") -> Document:
    return Document("d", "".join(sentences), True, "a.conllu", 1, entity_fields=fields)


def found(*sentences: str, fields: str = GUM) -> list[tuple[int, int, str, str]]:
    """First and last word, entity and link of every mention; all of them can be read."""
    gold = parse(document(*sentences, fields=fields))
    assert not gold.unread.counts
    return sorted((one.first, one.last, one.entity, one.link) for one in gold.stretches)


def unread(*sentences: str, fields: str = GUM) -> tuple[Mapping[str, int], GoldDocument]:
    gold = parse(document(*sentences, fields=fields))
    return gold.unread.counts, gold


# ---- brackets


def test_fields_are_named_by_the_file() -> None:
    new = sentence("The/2/(1-person-new-nnnnn-cf1-2-coref-Mary_Poppins", "nanny/3/1)", "left/0")
    old = sentence("The/2/(person-1-new-2-coref-Mary_Poppins", "nanny/3/person-1)", "left/0")
    other = sentence("The/2/(1-person-2-2-new-coref-Mary_Poppins", "nanny/3/1)", "left/0")
    for text, fields in ((new, GUM), (old, OLD_GUM), (other, COREFUD)):
        assert found(text, fields=fields) == [(0, 1, "1", "coref")]
        assert found(text.replace("-coref-Mary_Poppins", ""), fields=fields) == [(0, 1, "1", "_")]
    own = sentence("who/0/(1-person-giv-nnnnn-cf1-1-ana)", fields=GUM)
    assert found(own, fields=COREFUD) == [(0, 0, "1", "ana")]
    assert found(sentence("who/0/(1)"), fields="") == [(0, 0, "1", "_")]


def test_an_identity_may_hold_hyphens_and_brackets() -> None:
    identity = "(1-place-new-nnnnn-cf1-1-coref-Stratford-upon-Avon_(town),_UK"
    text = sentence(f"a/2/{identity})", f"b/0/{identity}", "c/2/1)", "d/2/(2-x-new-n-c-1-appos-A%28b%29%2DC(3-y)2)")
    assert found(text) == [(0, 0, "1", "coref"), (1, 2, "1", "coref"), (3, 3, "2", "appos"), (3, 3, "3", "_")]


def test_mentions_nest_overlap_and_cross_sentences() -> None:
    nested = sentence("a/2/(1-x(2-x", "b/0/(1-x)", "c/2/2)", "d/2/1)")
    assert found(nested) == [(0, 2, "2", "_"), (0, 3, "1", "_"), (1, 1, "1", "_")]
    same = sentence("a/2/(1-x-1(1-x", "b/0", "c/2/1)", "d/2/1)")
    assert found(same) == [(0, 2, "1", "_"), (0, 3, "1", "_")]
    overlapping = sentence("a/2/(1-x", "b/0/(2-x", "c/2/1)", "d/2/2)")
    assert found(overlapping) == [(0, 2, "1", "_"), (1, 3, "2", "_")]
    identical = sentence("a/2/(1-x(1-x(2-x", "b/0/2)1)1)")
    assert found(identical) == [(0, 1, "1", "_"), (0, 1, "1", "_"), (0, 1, "2", "_")]
    crossing = [sentence("a/0", "b/1/(1-x"), sentence("c/0"), sentence("d/2", "e/0/1)")]
    assert found(*crossing) == [(1, 4, "1", "_")]


def test_empty_nodes_open_and_close_mentions_of_words() -> None:
    def empty(number: str, entity: str) -> str:
        return f"{number}\tzero\t_\tPRON\t_\t_\t_\t_\t_\tEntity={entity}\n"

    one, two = (f"{n}\tw\t_\tNOUN\t_\t_\t{n - 1}\tdep\t_\t_\n" for n in (1, 2))
    text = one + empty("1.1", "(1-x") + two + empty("2.1", "1)")
    assert found(text) == [(1, 1, "1", "_")]
    number, gold = unread(one + empty("1.1", "(1-x)") + two)
    assert (number, gold.stretches) == ({"mentions_empty": 1}, [])


def test_a_multiword_token_has_no_mentions_of_its_own() -> None:
    text = "1-2\tal\t_\t_\t_\t_\t_\t_\t_\tEntity=(9-x)\n" + sentence("a/0/(1-x)", "el/1")
    assert found(text) == [(0, 0, "1", "_")]


@pytest.mark.parametrize(
    ("entities", "expected", "first"),
    [
        (["(1[1/2]-x", "1[1/2])", "(1[2/2]-x)"], {"mentions_discontinuous": 1}, "'(1[1/2]-x' (a.conllu, line 1)"),
        (["(1-x", "(2-x)", "_"], {"mentions_unclosed": 1}, "'(1' (a.conllu, line 1)"),
        (["_", "1)", "(2-x)"], {"mentions_unclosed": 1}, "'1)' (a.conllu, line 2)"),
        (["PERSON", "(2-x)", "((3"], {"mentions_malformed": 2}, "'PERSON' (a.conllu, line 1)"),
        (["(2-x)", "(1-x(", ")"], {"mentions_malformed": 2}, "'(1-x(' (a.conllu, line 2)"),
    ],
)
def test_what_cannot_be_read_is_counted_and_the_rest_is_kept(
    entities: Sequence[str], expected: Mapping[str, int], first: str
) -> None:
    number, gold = unread(sentence(*(f"w/{n}/{entity}" for n, entity in enumerate(entities))))
    assert number == expected
    assert [one.entity for one in gold.stretches] == (["2"] if "(2-x)" in entities else [])
    assert [*gold.unread.first.values()] == [first]
    assert len(gold.sentences[0].words) == len(entities)


def test_places_are_named_by_the_first_of_each_reason() -> None:
    scan = LabelScan()
    for _ in range(2):
        scan.add(document("# sent_id = s-1\n" + sentence("a/0/(1-x"), sentence("b/0/2)"), fields=GUM))
    assert scan.unread.counts == {"mentions_unclosed": 4}
    assert scan.unread.first == {"mentions_unclosed": "'2)' (a.conllu, line 4)"}


# ---- head words


def test_the_head_word_is_the_first_whose_parent_lies_outside() -> None:
    # "the cats and dogs" of "I saw the cats and dogs": cats hangs on saw; the minspan names dogs, and has no say.
    text = sentence("I/2", "saw/0", "the/4/(1-x-new-n-c-4-coref", "cats/2", "and/6", "dogs/4/1)")
    assert mentions_of(document(text, fields=GUM)).mentions.word.tolist() == [3]
    two_roots = sentence("a/0/(1-x", "b/0/1)")
    across = [sentence("a/2", "b/0/(1-x"), sentence("c/2", "d/0/1)")]
    assert [mentions_of(document(*text, fields=GUM)).mentions.word.tolist() for text in ([two_roots], across)] == [
        [0],
        [1],
    ]


def mentions_of(*documents: Document) -> Sentences:
    scan = LabelScan()
    for one in documents:
        scan.add(one)
    annotated = ConlluAnnotator(scan.declared).annotate(documents)
    assert annotated.counts["mentions"] == len(annotated.sentences.mentions)
    assert (MENTIONS in scan.declared) == (len(annotated.sentences.mentions) > 0)
    return annotated.sentences


def test_what_mentions_say_of_their_document() -> None:
    first = document(
        sentence("Mary/2/(1-person-new-n-c-1-coref)", "has/0", "Her/4/(2-x-new-n-c-2-coref(1-person-giv-n-c-1-ana)",
                 "Cat/2/2)"),
        sentence("It/2/(2-x-giv-n-c-1-ana)", "sleeps/0"), fields=GUM,
    )  # fmt: skip
    second = document(sentence("she/2/(1-person)", "left/0"), sentence("she/0/(1-person)"), fields=GUM)
    found = mentions_of(first, second)
    mentions = found.mentions
    assert mentions.word.tolist() == [0, 2, 3, 4, 6, 8]
    assert mentions.entity.tolist() == [0, 0, 1, 1, 2, 2]
    assert mentions.of_entity.tolist() == [2] * 6
    assert mentions.earlier.tolist() == [0, 1] * 3
    assert mentions.text.values() == ["mary", "her", "her cat", "it", "she", "she"]
    assert mentions.link.values() == ["coref", "ana", "coref", "ana", "_", "_"]
    # The sentences at other places, and one of them twice: words move, and the document is still whole.
    taken = found.take(np.array([3, 1, 1])).mentions
    assert taken.word.tolist() == [0, 1, 3]
    assert taken.earlier.tolist() == [1, 1, 1] and taken.of_entity.tolist() == [2] * 3
    assert taken.text.values() == ["she", "it", "it"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from("abc")), max_size=8))
def test_random_mentions_come_back(spans: list[tuple[int, int, str]]) -> None:
    """At a word, brackets close, then open, then those of one word stand."""
    wanted = sorted((min(a, b), max(a, b), entity) for a, b, entity in spans)
    values = [""] * 10
    for first, last, entity in wanted:
        values[last] += f"{entity})" if first < last else ""
    for first, last, entity in wanted:
        values[first] += f"({entity}-x" if first < last else ""
    for first, last, entity in wanted:
        values[first] += f"({entity}-x)" if first == last else ""
    text = sentence(*(f"w/{max(0, n)}" + (f"/{value}" if value else "") for n, value in enumerate(values)))
    gold = parse(document(text, fields=GUM))
    assert not gold.unread.counts
    # Which bracket closes which is not known where spans of one entity cross; where they begin and end is.
    for entity in "abc":
        mine = [(one.first, one.last) for one in gold.stretches if one.entity == entity]
        theirs = [(first, last) for first, last, own in wanted if own == entity]
        assert [sorted(ends) for ends in zip(*mine, strict=True)] == [
            sorted(ends) for ends in zip(*theirs, strict=True)
        ]
    heads = make_mentions([Span(a, b, e, "") for a, b, e in wanted], [n - 1 for n in range(10)])
    assert heads.word.tolist() == sorted(first for first, _, _ in wanted)


def test_documents_of_a_file_have_entities_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    she = sentence("she/0/(1-person)")
    path.write_text(f"{she}# newdoc id = x\n# global.Entity = {GUM}\n{she}{she}# newdoc id = y\n{she}")
    found = mentions_of(*read_documents([str(path)]))
    assert found.mentions.entity.tolist() == [0, 1, 1, 2]
    assert found.mentions.of_entity.tolist() == [1, 2, 2, 1]
    assert found.document == ("a", "x", "x", "y") and found.loose == {0}


# ---- spaCy


@Language.component("she_is_the_first_name")
def cluster(doc: Doc) -> Doc:
    """Every "she" is Mary, with the white space after her; dogs are an entity of their own."""
    mary = [token for token in doc if token.text in ("Mary", "She", "she")]
    doc.spans["coref_clusters_1"] = [doc[t.i : t.i + 1 + t.nbor().is_space] for t in mary]
    doc.spans["coref_clusters_2"] = [doc[t.i - 1 : t.i + 1] for t in doc if t.text == "dog"]
    doc.spans["other"] = [doc[0:1]]
    return doc


@pytest.fixture
def clustering(monkeypatch: pytest.MonkeyPatch) -> SpacyAnnotator:
    pipeline = spacy.load(str(PIPELINES["en_ud_core"]))
    pipeline.add_pipe("she_is_the_first_name")
    monkeypatch.setattr(spacy, "load", lambda name: pipeline)
    return SpacyAnnotator(str(PIPELINES["en_ud_core"]))


def test_groups_of_spans_are_entities(clustering: SpacyAnnotator) -> None:
    texts = ("Mary  saw the dog. She saw the dog.", "she left. Mary left.")
    annotated = clustering.annotate([Document(str(n), text) for n, text in enumerate(texts)])
    found, mentions = annotated.sentences, annotated.sentences.mentions
    words = [found.text[r][a:b] for r, a, b in zip(found.word_row, found.word_start, found.word_end, strict=True)]
    assert MENTIONS in clustering.declared
    assert [words[word] for word in mentions.word] == ["Mary", "dog", "She", "dog", "she", "Mary"]
    assert mentions.text.values() == ["mary", "the dog", "she", "the dog", "she", "mary"]
    assert mentions.entity.tolist() == [0, 1, 0, 1, 2, 2]
    assert mentions.earlier.tolist() == [0, 0, 1, 1, 0, 1]
    assert annotated.counts["mentions"] == 6 and set(mentions.link.values()) == {"_"}


def test_a_pipeline_of_spacys_own_components_gives_no_mentions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MENTIONS not in SpacyAnnotator(str(PIPELINES["en_ud_core"])).declared
    pipeline = spacy.load(str(PIPELINES["en_ud_core"]))
    ruler = pipeline.add_pipe("span_ruler", config={"spans_key": "coref_clusters_1"})
    ruler.add_patterns([{"label": "X", "pattern": "Mary"}])
    monkeypatch.setattr(spacy, "load", lambda name: pipeline)
    annotator = SpacyAnnotator(str(PIPELINES["en_ud_core"]))
    assert MENTIONS in annotator.declared
    found = annotator.annotate([Document("d", "Mary saw Mary.")]).sentences
    assert found.mentions.word.tolist() == [0, 2] and found.mentions.of_entity.tolist() == [2, 2]
