from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnmetrics.annotation import cache, conllu
from attnmetrics.annotation.conllu import ConlluAnnotator, LabelScan
from attnmetrics.annotation.features import parse_features
from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.sentence import Column, Sentences
from attnmetrics.annotation.sources import (
    LABEL_SOURCES,
    check_counts,
    check_source,
    columns_of,
    columns_to_read,
    read_label,
    read_link,
)
from attnmetrics.annotation.vocabulary import count_names
from attnmetrics.corpus import Document
from attnmetrics.errors import AnnotationError, ConfigError
from attnmetrics.storage import locate

TREEBANK = """# text = She saw 2 cats
1\tShe\tshe\tPRON\tPRP\tCase=Nom|Number=Sing\t2\tnsubj\t2:nsubj\tAnimacy=yes|Animacy=no
2\tsaw\tsee\tVERB\tVBD\tTense=Past\t0\troot\t0:root\tNote= |X=y
3\t2\t2\tNUM\tCD\t_\t4\tnummod\t_\tAnimacy|Gloss=a=b
4\tcats\tcat\tNOUN\tNNS\tNumber=Plur|Number[psor]=Sing\t2\tobj\t2:obj\tAnimacy=|Note=x

# text = Stop.
1\tStop\tstop\tVERB\tVB\tMood=Imp\t0\troot\t_\tAnimacy=no|SpaceAfter=No
2\t.\t.\tPUNCT\t.\t_\t1\tpunct\t_\t_
"""
DOCUMENT = Document("d", TREEBANK, True, "a.conllu", 1)


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return ConlluAnnotator({}).annotate([DOCUMENT]).sentences


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("word.pos", "PRON VERB NUM NOUN VERB PUNCT"),
        ("word.rel", "nsubj root nummod obj root punct"),
        ("word.lemma", "she see 2 cat stop ."),
        ("word.xpos", "PRP VBD CD NNS VB ."),
        ("word.feats.Number", "Sing none none Plur none none"),
        ("word.feats.Number[psor]", "none none none Sing none none"),
        ("word.feats.Mood", "none none none none Imp none"),
        ("word.misc.Animacy", "yes none none none no none"),
        ("word.misc.Gloss", "none none a=b none none none"),
        ("word.misc.Note", "none none none x none none"),
        ("word.misc.Nothing", "none none none none none none"),
    ],
)
def test_a_label_is_read_from_its_column(sentences: Sentences, source: str, expected: str) -> None:
    check_source(source, "label")
    column = read_label(source, sentences, Functions())
    assert column.values() == expected.split()
    assert column.names == tuple(sorted(set(column.names)))
    assert columns_of(source) <= set(sentences.columns)


def test_each_head_and_its_word_are_a_pair(sentences: Sentences) -> None:
    check_source("word.head", "link")
    pairs = read_link("word.head", sentences, Functions())
    assert pairs.offsets.tolist() == [0, 3, 4]
    assert list(zip(pairs.attending.tolist(), pairs.attended.tolist(), strict=True)) == [(1, 0), (3, 2), (1, 3), (0, 1)]


def test_pairs_of_sentences_that_lack_words_or_heads(sentences: Sentences) -> None:
    none = read_link("word.head", sentences.take(np.array([], np.int64)), Functions())
    assert (none.offsets.tolist(), none.attending.tolist()) == ([0], [])
    twice = read_link("word.head", sentences.take(np.array([1, 1])), Functions())
    assert (twice.offsets.tolist(), twice.attending.tolist(), twice.attended.tolist()) == ([0, 1, 2], [0, 0], [1, 1])


def test_the_columns_that_sources_need() -> None:
    assert columns_of("word.feats.Case") == {"feats"} and columns_of("word.misc.A.b") == {"misc"}
    assert columns_of("word.ext.a.b") == {"ext.a.b"} and columns_of("word.entity") == {"entity"}
    assert columns_of("word.head") == frozenset() and columns_of("python:a.b:c") == {"pos", "rel"}
    kept = {"pos", "rel", "lemma", "misc"}
    assert columns_to_read(["word.head", "word.misc.A"], kept) == {"pos", "rel", "misc"}
    assert columns_to_read(["python:a:b", "word.entity"], kept) == kept | {"entity"}


@pytest.mark.parametrize(
    "source", ["pos", "word.form", "word.feats", "word.misc.", "word.head", "python:a", "word.", ""]
)
def test_what_is_no_source_of_a_label_is_refused(source: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_source(source, "label")
    assert all(known in str(error.value) for known in LABEL_SOURCES) and f"found {source!r}" in str(error.value)


@pytest.mark.parametrize("source", ["word.pos", "word.feats.Case", "python:a b:c", "python::c", "word.feats.KEY"])
def test_what_is_no_source_of_a_link_is_refused(source: str) -> None:
    with pytest.raises(
        ConfigError,
        match=r"one of word.head, word.coreference, piece.repeat, piece.induction, python:MODULE:NAME; found",
    ):
        check_source(source, "link")


def test_a_key_that_no_word_has_is_refused(sentences: Sentences) -> None:
    for source in ("word.misc.Animacy", "word.pos"):
        check_counts(source, count_names(read_label(source, sentences, Functions())))
    check_counts("word.misc.animacy", {})
    with pytest.raises(ConfigError, match=r"the key animacy of word.misc.animacy, found none among 6 words; correct"):
        check_counts("word.misc.animacy", count_names(read_label("word.misc.animacy", sentences, Functions())))


def test_a_column_that_was_not_read(sentences: Sentences) -> None:
    with pytest.raises(AnnotationError, match=r"expected the column entity for word.entity, found deps, feats, form"):
        read_label("word.entity", sentences, Functions())


def test_a_new_label_over_a_cached_corpus_parses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = LabelScan()
    scan.add(DOCUMENT)
    annotator = ConlluAnnotator(scan.declared)
    path = cache.annotation_path(locate(tmp_path), annotator.fingerprint, "d")
    cache.write(path, annotator.annotate([DOCUMENT]), annotator.fingerprint, "d")
    monkeypatch.setattr(conllu, "parse", lambda document: pytest.fail("it was parsed"))
    for source in ("word.misc.Animacy", "word.feats.Case", "word.lemma"):
        assert columns_of(source) <= cache.read_columns(path)
        assert len(read_label(source, cache.read(path, columns_of(source)), Functions()).codes) == 6


def test_features() -> None:
    assert parse_features("_") == {}
    assert parse_features("Case=Acc,Nom|Foreign|A=b=c|Case=Gen") == {"Case": "Acc,Nom", "Foreign": "", "A": "b=c"}


KEYS = st.text(st.characters(exclude_characters="=|", exclude_categories=["Cs"]), min_size=1, max_size=3)
TEXTS = st.text(st.characters(exclude_characters="|", exclude_categories=["Cs"]), max_size=3)


@given(st.dictionaries(KEYS, TEXTS, min_size=1))
def test_features_come_back(features: dict[str, str]) -> None:
    assert parse_features("|".join(f"{key}={value}" for key, value in features.items())) == features


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("xyz"), min_size=4, max_size=4))
def test_renaming_a_column_is_renaming_its_values(values: list[str], names: list[str]) -> None:
    column = Column(("a", "b", "c", "d"), np.array(["abcd".index(value) for value in values], np.int64))
    renamed = column.rename(names)
    assert column.values() == values == Column.of(values).values()
    assert renamed.values() == [names["abcd".index(value)] for value in values]
    assert renamed.names == tuple(sorted(set(renamed.values())))
