import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.tokens import Doc, Token
from spacy.training import Example

import attnmetrics
from attnmetrics.annotation import spacy as module
from attnmetrics.annotation.cache import annotation_path, read, read_columns, write
from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.sentence import Annotated, Sentences
from attnmetrics.annotation.sources import columns_of, read_label
from attnmetrics.annotation.spacy import UPOS, SpacyAnnotator
from attnmetrics.corpus import Document
from attnmetrics.errors import AnnotationError
from attnmetrics.storage import locate

PIPELINE = str(Path(attnmetrics.__file__).parent / "assets" / "pipeline")
TEXTS = [
    "The cat sat on the mat. It was not amused, was it?\n\n\nMr. Smith's  dog\tbarked at 3 p.m. ",
    "  \n One.   Two\n\nthree. \n ",
    "Don't panic \N{GRINNING FACE}\N{ZERO WIDTH JOINER}! שלום עולם. \x00\x07 Tab\there.",
    " \n ",
    "x" * 30_000 + " is a long word.",
    "!",
]


def document(number: int, text: str) -> Document:
    return Document(f"d{number}", text, path="a.jsonl", line=number + 1)


DOCUMENTS = [document(number, text) for number, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def annotator() -> SpacyAnnotator:
    return SpacyAnnotator(PIPELINE)


@pytest.fixture(scope="module")
def pipeline() -> Language:
    return spacy.load(PIPELINE)


def saved(folder: Path, change: Callable[[Language], object]) -> str:
    """The path of the package's pipeline with a change."""
    changed = spacy.load(PIPELINE)
    change(changed)
    changed.to_disk(folder)
    return str(folder)


def rows(sentences: Sentences) -> list[tuple[Any, ...]]:
    """Each sentence as (document, position, text, words), a word as (start, text, tag, relation, head)."""
    found = []
    for s, (begin, end) in enumerate(zip(sentences.word_offsets, sentences.word_offsets[1:], strict=False)):
        words = [
            (
                int(sentences.word_start[w]),
                sentences.text[s][sentences.word_start[w] : sentences.word_end[w]],
                sentences.columns["pos"].values()[w],
                sentences.columns["rel"].values()[w],
                int(sentences.word_head[w]),
            )
            for w in range(begin, end)
        ]
        found.append((int(sentences.document_index[s]), int(sentences.sentence[s]), sentences.text[s], words))
    return found


def reference(pipeline: Language, texts: list[str]) -> list[tuple[Any, ...]]:
    """The same with loops over spaCy's objects."""
    found = []
    for index, text in enumerate(texts):
        position = 0
        for sentence in pipeline(text).sents:
            words = [token for token in sentence if not token.is_space]
            if not words:
                continue
            begin = sentence.start_char + len(sentence.text) - len(sentence.text.lstrip())
            table = [(t.idx - begin, t.text, t.pos_ or "_", t.dep_ or "_", head(t, words)) for t in words]
            found.append((index, position, sentence.text.strip(), table))
            position += 1
    return found


def head(token: Any, words: list[Any]) -> int:
    above = token.head
    return -1 if above == token or above.is_space else words.index(above)


def test_sentences_are_those_of_spacy(annotator: SpacyAnnotator, pipeline: Language) -> None:
    annotated = annotator.annotate(DOCUMENTS)
    expected = reference(pipeline, TEXTS)
    assert rows(annotated.sentences) == expected
    assert annotated.sentences.document == tuple(f"d{index}" for index, *_ in expected)
    assert annotated.counts == {
        "documents": 6,
        "sentences": len(expected),
        "words": sum(len(words) for *_, words in expected),
        "characters": sum(len(text) for _, _, text, _ in expected),
        "mentions": 0,
        "sentences_blank": sum(len(list(pipeline(text).sents)) for text in TEXTS) - len(expected),
    }
    assert annotated.counts["sentences_blank"] > 0 and {index for index, *_ in expected} == {0, 1, 2, 4, 5}


def test_a_simple_sentence(annotator: SpacyAnnotator) -> None:
    assert rows(annotator.annotate([document(0, " She reads books. ")]).sentences) == [
        (
            0,
            0,
            "She reads books.",
            [
                (0, "She", "PRON", "nsubj", 1),
                (4, "reads", "VERB", "ROOT", -1),
                (10, "books", "NOUN", "obj", 1),
                (15, ".", "PUNCT", "punct", 1),
            ],
        )
    ]


def test_no_document(annotator: SpacyAnnotator) -> None:
    annotated = annotator.annotate([])
    assert len(annotated.sentences) == 0 and annotated.counts["documents"] == 0
    np.testing.assert_array_equal(annotated.sentences.word_offsets, [0])
    assert len(annotator.annotate([document(0, " \n")]).sentences) == 0


def test_labels_are_declared(annotator: SpacyAnnotator, pipeline: Language) -> None:
    assert annotator.declared["pos"] == (*UPOS, "_") and list(annotator.declared) == ["pos", "rel"]
    assert tuple(sorted(UPOS)) == UPOS and len(UPOS) == 17
    assert annotator.declared["rel"] == (*sorted({"ROOT", *pipeline.get_pipe("parser").labels}), "_")  # type: ignore[attr-defined]


def test_a_word_below_white_space_has_no_parent(pipeline: Language) -> None:
    """In texts where this pipeline attaches words to line breaks."""
    texts = [
        "Fu wrote:\nBrooding on what I have lived through, the common man must surely be rattled by the winds.",
        "The position was not to his taste: in one poem, he wrote:\nI am about to scream madly in the office.",
        "It was lost.\nLuoyang, the region of his birthplace, was recovered by government forces in the winter.",
    ]
    below = [token for text in texts for token in pipeline(text) if token.head.is_space and not token.is_space]
    assert below
    annotated = SpacyAnnotator(PIPELINE).annotate([document(number, text) for number, text in enumerate(texts)])
    assert rows(annotated.sentences) == reference(pipeline, texts)


def test_long_documents_are_cut_for_the_pipeline(
    pipeline: Language, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts = [f"Paragraph {number} has one sentence. It has two, in fact.\n\n" for number in range(6)]
    whole = "".join(parts)
    monkeypatch.setattr(module, "TEXT_LIMIT", len(parts[0]) + 5)
    found = rows(SpacyAnnotator(PIPELINE).annotate([document(0, whole), document(1, parts[0])]).sentences)
    expected = [row for part in parts for row in reference(pipeline, [part])]
    assert [row[2:] for row in found] == [row[2:] for row in (*expected, *reference(pipeline, parts[:1]))]
    assert [row[:2] for row in found] == [(0, n) for n in range(len(expected))] + [(1, 0), (1, 1)]


def test_the_pipeline_s_own_limit_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    annotator = SpacyAnnotator(PIPELINE)
    annotator.pipeline.max_length = 60
    annotated = annotator.annotate([document(0, "Short words make one sentence. " * 9)])
    assert annotated.counts["words"] == 9 * 6


def test_batches_depend_on_the_texts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [module._Text(0, DOCUMENTS[0], "x" * size) for size in (60_000, 60_000, 10, 10, 10)]
    assert [len(batch) for batch in module._batches(iter(texts))] == [2, 3]
    monkeypatch.setattr(module, "BATCH_TEXTS", 2)
    assert [len(batch) for batch in module._batches(iter(texts))] == [2, 2, 1]


# What a pipeline has


def test_parts_of_speech_may_come_from_rules(tmp_path: Path) -> None:
    def change(pipeline: Language) -> None:
        pipeline.remove_pipe("morphologizer")
        pipeline.add_pipe("attribute_ruler").add([[{}]], {"POS": "NOUN"})  # type: ignore[attr-defined]

    annotated = SpacyAnnotator(saved(tmp_path / "p", change)).annotate(DOCUMENTS[:1])
    assert {tag for *_, words in rows(annotated.sentences) for _, _, tag, _, _ in words} == {"NOUN"}


def entities(pipeline: Language) -> None:
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "cat"}])  # type: ignore[attr-defined]


def test_unneeded_components_are_left_out_and_change_nothing(tmp_path: Path, annotator: SpacyAnnotator) -> None:
    more = SpacyAnnotator(saved(tmp_path / "p", entities))
    assert rows(more.annotate(DOCUMENTS).sentences) == rows(annotator.annotate(DOCUMENTS).sentences)
    assert more.pipeline.disabled == ["entity_ruler"]
    assert more.fingerprint != annotator.fingerprint


def test_components_that_others_may_need_stay(tmp_path: Path) -> None:
    def own(pipeline: Language) -> None:
        entities(pipeline)
        pipeline.add_pipe("test_nothing")

    def rules(pipeline: Language) -> None:
        entities(pipeline)
        pipeline.add_pipe("attribute_ruler").add([[{"ENT_TYPE": "X"}]], {"POS": "NOUN"})  # type: ignore[attr-defined]

    for number, change in enumerate((own, rules)):
        annotator = SpacyAnnotator(saved(tmp_path / str(number), change))
        assert annotator.declared and annotator.pipeline.disabled == []


@Language.component("test_nothing")
def nothing(doc: Doc) -> Doc:
    return doc


@Language.component("test_fails")
def fails(doc: Doc) -> Doc:
    if "boom" in doc.text:
        raise RuntimeError("it broke\nin two lines")
    return doc


@Language.component("test_own_parser")
def own_parser(doc: Doc) -> Doc:
    for token in doc:
        token.head, token.dep_, token.pos_ = doc[0], "ROOT" if token.i == 0 else "dep", "X"
    return doc


def annotate(folder: Path, change: Callable[[Language], object], text: str = "One word.") -> Annotated:
    return SpacyAnnotator(saved(folder / "p", change)).annotate([document(0, text)])


@pytest.mark.parametrize(
    ("removed", "added", "expected"),
    [
        (
            "parser",
            None,
            "found no dependencies (DEP) in its output, which has POS, MORPH (components: tok2vec, morphologizer)",
        ),
        ("parser", "sentencizer", "found no dependencies (DEP) in its output, which has POS, MORPH, SENT_START"),
        ("morphologizer", None, "found no parts of speech (POS) in its output, which has DEP, SENT_START"),
        (
            "morphologizer",
            ("attribute_ruler", {"TAG": "NN"}),
            "found no parts of speech (POS) in its output, which has TAG, DEP",
        ),
        (None, ("attribute_ruler", {"POS": "CONJ"}), "expected every part of speech that the pipeline"),
    ],
)
def test_a_pipeline_that_lacks_something(tmp_path: Path, removed: str | None, added: Any, expected: str) -> None:
    def change(pipeline: Language) -> None:
        if removed:
            pipeline.remove_pipe(removed)
        if isinstance(added, tuple):
            pipeline.add_pipe(added[0]).add([[{}]], added[1])  # type: ignore[attr-defined]
        elif added:
            pipeline.add_pipe(added)

    with pytest.raises(AnnotationError) as error:
        annotate(tmp_path, change)
    assert expected in str(error.value) and str(tmp_path / "p") in str(error.value)


def test_an_own_parser_must_declare_its_relations(tmp_path: Path) -> None:
    def change(pipeline: Language) -> None:
        for part in list(pipeline.pipe_names):
            pipeline.remove_pipe(part)
        pipeline.add_pipe("test_own_parser")

    with pytest.raises(AnnotationError, match="to declare its dependency relations, found none"):
        annotate(tmp_path, change)


def test_a_component_that_fails(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError) as error:
        annotate(tmp_path, lambda pipeline: pipeline.add_pipe("test_fails"), "boom")
    assert "failed on the documents 'd0' to 'd0' (a.jsonl): RuntimeError: it broke; leave these out" in str(error.value)


def test_no_head_outside_of_the_sentence(annotator: SpacyAnnotator, pipeline: Language) -> None:
    doc = pipeline("One two three four.")
    text = module._Text(0, DOCUMENTS[0], doc.text)
    table = module._table(doc, text, ("pos", "rel"))
    table[3, module._TOKEN.index("SENT_START")] = 1
    with pytest.raises(AnnotationError, match=r"expected every word's head in its own sentence.*'d0' \(a.jsonl\)"):
        module._words([table], [text], ("pos", "rel"))


def test_a_tokenizer_that_changes_the_text(pipeline: Language) -> None:
    doc = Doc(pipeline.vocab, ["one", "word"], [True, False])
    with pytest.raises(AnnotationError, match="expected the pipeline's tokens to spell the document 'd0'"):
        module._table(doc, module._Text(0, DOCUMENTS[0], "One word"), ("pos", "rel"))


def test_a_document_without_annotation(pipeline: Language) -> None:
    doc = Doc(pipeline.vocab, ["One"], [False])
    with pytest.raises(AnnotationError, match="gives no dependencies for the document 'd0'"):
        module._table(doc, module._Text(0, DOCUMENTS[0], "One"), ("pos", "rel"))


# More columns


@Language.component("test_fruit")
def fruit(doc: Doc) -> Doc:
    for token in doc:
        token._.fruit = {"apples": "apple", "none": None, "empty": ""}.get(token.text, len(token.text) > 3)
    return doc


def more(pipeline: Language) -> None:
    """Entities, tags, morphology and lemmas by rules."""
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Big Firm"}, {"label": "GPE", "pattern": "Rome"}])  # type: ignore[attr-defined]
    rules = pipeline.add_pipe("attribute_ruler")
    rules.add([[{"LOWER": {"IN": ["her", "two"]}}]], {"TAG": "PRP", "MORPH": "Number=Sing|Case=Acc,Dat"})  # type: ignore[attr-defined]
    lemmas = Lookups()
    lemmas.add_table("lemma_lookup", {"sold": "sell", "her": "she"})
    pipeline.add_pipe("lemmatizer", config={"mode": "lookup"}).initialize(lookups=lemmas)  # type: ignore[attr-defined]


TEXT = "Big Firm  sold her Rome."


def column(annotator: SpacyAnnotator, name: str, text: str = TEXT) -> list[str]:
    return annotator.annotate([document(0, text)]).sentences.columns[name].values()


def test_morphology_tags_and_cheap_lemmas_are_kept(tmp_path: Path) -> None:
    annotator = SpacyAnnotator(saved(tmp_path / "p", more))
    assert annotator.columns == ("pos", "rel", "lemma", "xpos", "feats")
    assert annotator.pipeline.disabled == ["entity_ruler"]
    assert column(annotator, "lemma") == ["Big", "Firm", "sell", "she", "Rome", "."]
    assert column(annotator, "xpos") == ["_", "_", "_", "PRP", "_", "_"]
    assert column(annotator, "feats") == ["_", "_", "_", "Case=Acc,Dat|Number=Sing", "_", "_"]
    sentences = annotator.annotate([document(0, TEXT)]).sentences
    assert read_label("word.feats.Case", sentences, Functions()).values()[2:4] == ["none", "Acc,Dat"]


def test_entities_are_kept_if_they_are_asked_for(tmp_path: Path) -> None:
    folder = saved(tmp_path / "p", more)
    plain, asked = SpacyAnnotator(folder), SpacyAnnotator(folder, {"entity"})
    assert column(asked, "entity") == ["ORG", "ORG", "O", "O", "GPE", "O"]
    assert asked.declared["entity"] == ("GPE", "O", "ORG", "_")
    assert "entity" not in plain.declared and "entity" not in plain.annotate([document(0, TEXT)]).sentences.columns
    assert plain.fingerprint == asked.fingerprint
    assert rows(plain.annotate(DOCUMENTS).sentences) == rows(asked.annotate(DOCUMENTS).sentences)


def test_entities_of_a_component_that_is_not_spacy_s_are_not_declared(tmp_path: Path) -> None:
    def change(pipeline: Language) -> None:
        more(pipeline)
        pipeline.add_pipe("test_nothing")

    annotator = SpacyAnnotator(saved(tmp_path / "p", change), {"entity"})
    assert list(annotator.declared) == ["pos", "rel", "mentions"]
    assert column(annotator, "entity") == ["ORG", "ORG", "O", "O", "GPE", "O"]


def test_costly_lemmas_are_kept_if_they_are_asked_for(tmp_path: Path, annotator: SpacyAnnotator) -> None:
    def change(pipeline: Language) -> None:
        doc = pipeline("They sold books.")
        for token in doc:
            token.lemma_ = token.lower_
        example = Example(pipeline.make_doc(doc.text), doc)
        pipeline.add_pipe("trainable_lemmatizer").initialize(lambda: [example], nlp=pipeline)  # type: ignore[attr-defined]

    folder = saved(tmp_path / "p", change)
    assert SpacyAnnotator(folder).columns == annotator.columns == ("pos", "rel", "feats")
    asked = SpacyAnnotator(folder, {"lemma"})
    assert asked.columns == ("pos", "rel", "lemma", "feats") and len(column(asked, "lemma")) == 6


def test_extensions_are_kept_as_text(tmp_path: Path) -> None:
    Token.set_extension("fruit", default=None, force=True)
    Token.set_extension("broken", getter=lambda token: token.doc.user_data["no such key"], force=True)
    try:
        folder = saved(tmp_path / "p", lambda pipeline: pipeline.add_pipe("test_fruit"))
        annotator = SpacyAnnotator(folder, {"ext.fruit"})
        assert column(annotator, "ext.fruit", "apples none empty are big") == [
            "apple",
            "none",
            "none",
            "False",
            "False",
        ]
        sentences = annotator.annotate([document(0, "apples were sold")]).sentences
        assert read_label("word.ext.fruit", sentences, Functions()).values() == ["apple", "True", "True"]
        with pytest.raises(
            AnnotationError, match=r"the extension broken of .* failed on the document 'd0' \(a.jsonl\): Key"
        ):
            column(SpacyAnnotator(folder, {"ext.broken"}), "pos")
    finally:
        for name in ("fruit", "broken"):
            Token.remove_extension(name)


@pytest.mark.parametrize("name", ["entity", "xpos", "lemma", "ext.no_such_key"])
def test_a_column_that_the_pipeline_does_not_give(name: str) -> None:
    with pytest.raises(AnnotationError) as error:
        _ = SpacyAnnotator(PIPELINE, {name, "pos"}).declared
    assert f"expected the pipeline {PIPELINE} to give {name}, found pos, rel, feats (components: tok2vec" in str(
        error.value
    )


def test_columns_of_conllu_alone_are_refused_before_the_pipeline_is_loaded() -> None:
    with pytest.raises(
        AnnotationError, match=r"found word.deps, word.misc, which CoNLL-U alone has; name an .* word.ext.KEY"
    ):
        SpacyAnnotator("no such pipeline", {"deps", "misc", "rel"})


def test_a_file_with_more_columns_serves_those_who_ask_for_fewer(tmp_path: Path) -> None:
    folder = saved(tmp_path / "p", more)
    asked = SpacyAnnotator(folder, {"entity"})
    path = annotation_path(locate(tmp_path), asked.fingerprint, "d")
    write(path, asked.annotate([document(0, TEXT)]), asked.fingerprint, "d")
    assert path == annotation_path(locate(tmp_path), SpacyAnnotator(folder).fingerprint, "d")
    assert read_columns(path) == {"pos", "rel", "lemma", "xpos", "feats", "entity"}
    kept = read(path, columns_of("word.entity"))
    assert read_label("word.entity", kept, Functions()).values() == ["ORG", "ORG", "O", "O", "GPE", "O"]


# Names and folders


def load_error(name: str) -> str:
    with pytest.raises(AnnotationError) as error:
        _ = SpacyAnnotator(name).declared
    return str(error.value)


def test_what_is_no_pipeline(tmp_path: Path) -> None:
    found = load_error("en_no_such_pipeline")
    assert "neither an installed package nor a folder named 'en_no_such_pipeline'" in found
    assert "python -m spacy download en_no_such_pipeline" in found
    assert "neither an installed package nor a folder" in load_error(str(tmp_path / "none"))
    assert f"found no config.cfg and meta.json in {tmp_path}" in load_error(str(tmp_path))
    (tmp_path / "file").write_text("x")
    assert "found no config.cfg and meta.json" in load_error(str(tmp_path / "file"))
    assert f"cannot load the pipeline {'pytest'}" in load_error("pytest")


def test_a_damaged_pipeline(tmp_path: Path) -> None:
    broken = shutil.copytree(PIPELINE, tmp_path / "p")
    (broken / "parser" / "model").write_bytes(b"x")
    meta = json.loads((broken / "meta.json").read_text())
    found = load_error(str(broken))
    assert f"cannot load the pipeline {broken}: " in found
    assert f"(it was made for spaCy {meta['spacy_version']})" in found and f"({spacy.__version__})" in found
    (broken / "config.cfg").write_text("[nlp")
    assert f"cannot load the pipeline {broken}: " in load_error(str(broken))


def test_the_fingerprint_is_of_the_files(tmp_path: Path) -> None:
    copy = shutil.copytree(PIPELINE, tmp_path / "p")
    assert SpacyAnnotator(str(copy)).fingerprint == SpacyAnnotator(PIPELINE).fingerprint
    with (copy / "vocab" / "strings.json").open("a") as file:
        file.write(" ")
    assert SpacyAnnotator(str(copy)).fingerprint != SpacyAnnotator(PIPELINE).fingerprint


def test_the_fingerprint_of_a_package_is_of_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for version in ("1.0", "1.1"):
        info = tmp_path / f"en_test_pipeline-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: en-test-pipeline\nVersion: {version}\n")
        found += [SpacyAnnotator(name).fingerprint for name in ("en_test_pipeline", "en-test-pipeline")]
        shutil.rmtree(info)
    assert found[0] == found[1] != found[2] == found[3]


def test_without_spacy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    assert "cannot load the pipeline" in load_error(PIPELINE)
    monkeypatch.setattr("importlib.metadata.version", _missing)
    assert "expected spaCy to annotate text, found it not installed; pip install" in load_error(PIPELINE)


def _missing(name: str) -> str:
    raise PackageNotFoundError(name)


def test_the_fingerprint_needs_no_spacy() -> None:
    code = (
        "import sys; sys.modules['spacy'] = None; from attnmetrics.annotation.spacy import SpacyAnnotator; "
        "print(SpacyAnnotator(sys.argv[1]).fingerprint)"
    )
    found = subprocess.run([sys.executable, "-c", code, PIPELINE], check=True, capture_output=True, text=True).stdout
    assert found.strip() == SpacyAnnotator(PIPELINE).fingerprint
