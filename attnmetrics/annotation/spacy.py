"""Annotations by any spaCy pipeline that gives parts of speech and dependencies, a shard's words as arrays.

White space is no word: its tokens are left out, and a word attached to one is in no dependency with its head, which has
no pieces. spaCy is imported when the first text is annotated, not for the fingerprint.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnmetrics.annotation.sentence import Annotated, Labels, Sentences, count, make_labels
from attnmetrics.corpus import Document
from attnmetrics.corpus.document import cut
from attnmetrics.errors import AnnotationError, first_line
from attnmetrics.statistics.schema import NO_LABEL

VERSION = 1
"""Of what this module takes from a pipeline; part of the fingerprint."""
UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM",
    "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X",
)  # fmt: skip
"""The universal parts of speech (https://universaldependencies.org/u/pos)."""
TEXT_LIMIT = 100_000
"""Characters given to the pipeline as one text; a longer document is cut as long documents are, to bound the memory."""
BATCH_CHARACTERS = 100_000
BATCH_TEXTS = 128
_PROBE = "This is a test. The pipeline reads two sentences."
_ATTRIBUTES = ("IDX", "LENGTH", "IS_SPACE", "SENT_START", "HEAD", "DEP", "POS")
_NOT_NEEDED = frozenset(
    [
        "ner",
        "entity_linker",
        "entity_ruler",
        "future_entity_ruler",
        "span_ruler",
        "span_finder",
        "spancat",
        "spancat_singlelabel",
        "textcat",
        "textcat_multilabel",
        "lemmatizer",
        "trainable_lemmatizer",
    ]
)
_NEEDED = frozenset(
    ["tok2vec", "transformer", "tagger", "morphologizer", "attribute_ruler", "parser", "senter", "sentencizer"]
)


class SpacyAnnotator:
    """A spaCy pipeline, by the name of an installed package or the path of a folder."""

    def __init__(self, name_or_path: str) -> None:
        self.name = name_or_path

    @cached_property
    def fingerprint(self) -> str:
        """See `digest_pipeline`."""
        return digest_pipeline(self.name)

    @cached_property
    def labels(self) -> Labels:
        """The universal parts of speech, and the relations that the pipeline declares.

        Raises:
            AnnotationError: the pipeline cannot be loaded, or lacks dependencies or parts of speech.
        """
        return make_labels(set(UPOS), _declared_relations(self.pipeline, self.name))

    def annotate(self, documents: Sequence[Document]) -> Annotated:
        """The sentences of one shard.

        Raises:
            AnnotationError: as `labels`; or the pipeline fails, or gives a tag or relation that it does not declare.
        """
        tables: list[NDArray[np.int64]] = []
        texts: list[_Text] = []
        for batch in _batches(_texts(documents, self._text_limit)):
            for text, doc in zip(batch, self._parsed(batch), strict=True):
                tables.append(_table(doc, text))
                texts.append(text)
        sentences, blank = _sentences(tables, texts, self.labels, self.pipeline.vocab.strings, self.name)
        return Annotated(sentences, count(sentences, len(documents), blank))

    @cached_property
    def pipeline(self) -> Any:
        """The spaCy pipeline, without the components that nothing here needs.

        Raises:
            AnnotationError: it cannot be loaded, or lacks dependencies or parts of speech.
        """
        return _load(self.name)

    @property
    def _text_limit(self) -> int:
        return min(TEXT_LIMIT, int(self.pipeline.max_length))

    def _parsed(self, batch: list["_Text"]) -> Iterator[Any]:
        """The spaCy documents of a batch."""
        try:
            yield from self.pipeline.pipe([text.text for text in batch], batch_size=len(batch))
        except Exception as error:  # a pipeline's components raise anything
            first, last = batch[0].document, batch[-1].document
            raise AnnotationError(
                f"the pipeline {self.name} failed on the documents {first.id!r} to {last.id!r} ({last.path}): "
                f"{type(error).__name__}: {first_line(error)}; leave these out, or take another pipeline "
                "with --annotator"
            ) from error


@dataclass(frozen=True, slots=True)
class _Text:
    """What the pipeline reads as one text: a document, or a part of a long one."""

    index: int
    document: Document
    text: str


def _texts(documents: Sequence[Document], limit: int) -> Iterator[_Text]:
    for index, document in enumerate(documents):
        for text in cut([document.text], limit):
            yield _Text(index, document, text)


def _batches(texts: Iterator[_Text]) -> Iterator[list[_Text]]:
    """Texts in groups of some `BATCH_CHARACTERS`; they depend on the shard alone."""
    batch: list[_Text] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text.text)
        if size >= BATCH_CHARACTERS or len(batch) == BATCH_TEXTS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _table(doc: Any, text: _Text) -> NDArray[np.int64]:
    """[T, len(_ATTRIBUTES)] a row for each token of one text, checked."""
    table: NDArray[np.int64] = doc.to_array(list(_ATTRIBUTES)).astype(np.int64).reshape(-1, len(_ATTRIBUTES))
    if doc.text != text.text:
        raise AnnotationError(
            f"expected the pipeline's tokens to spell the document {text.document.id!r} ({text.document.path}), "
            "found other "
            "characters; take a pipeline whose tokenizer keeps the text"
        )
    if table[:, 2].all():
        return table
    for attribute, what in (("DEP", "dependencies"), ("POS", "parts of speech")):
        if not table[:, _ATTRIBUTES.index(attribute)].any():
            raise AnnotationError(
                f"the pipeline gives no {what} for the document {text.document.id!r} ({text.document.path}); take "
                "another pipeline with --annotator"
            )
    return table


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a shard, white space left out; every array [W]."""

    text: NDArray[np.int64]
    """Which of the texts"""
    sentence: NDArray[np.int64]
    """Which of the shard's sentences, blank ones counted"""
    start: NDArray[np.int64]
    """First character in the text"""
    end: NDArray[np.int64]
    head: NDArray[np.int64]
    """Which of the shard's words; itself for a root"""
    pos: NDArray[np.int64]
    """Number in spaCy's string store"""
    rel: NDArray[np.int64]


def _words(tables: list[NDArray[np.int64]], texts: list[_Text]) -> tuple[_Words, int]:
    """The words, and the number of sentences, blank ones counted."""
    tokens = np.concatenate([np.zeros((0, len(_ATTRIBUTES)), np.int64), *tables])
    start, length, is_space, sent_start, head, rel, pos = tokens.T
    text = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    sentence = np.cumsum((sent_start == 1) | (np.diff(text, prepend=-1) != 0)) - 1
    head = np.arange(len(tokens)) + head
    outside = np.flatnonzero(sentence[head] != sentence)
    if len(outside):
        document = texts[text[outside[0]]].document
        raise AnnotationError(
            f"expected every word's head in its own sentence, found one outside in the document {document.id!r} "
            f"({document.path}); take a pipeline that splits sentences in the parser or before it"
        )
    word = is_space == 0
    number = np.cumsum(word) - 1
    head = number[np.where(word[head], head, np.arange(len(tokens)))[word]]
    words = _Words(text[word], sentence[word], start[word], (start + length)[word], head, pos[word], rel[word])
    return words, int(sentence[-1]) + 1 if len(sentence) else 0


def _sentences(
    tables: list[NDArray[np.int64]], texts: list[_Text], labels: Labels, strings: Any, name: str
) -> tuple[Sentences, int]:
    """All sentences of a shard, and how many more were blank."""
    words, total = _words(tables, texts)
    number, lengths = np.unique(words.sentence, return_counts=True)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    begin = words.start[offsets[:-1]]
    text_of = words.text[offsets[:-1]]
    raw = [texts[t].text[b:e] for t, b, e in zip(*_lists(text_of, begin, words.end[offsets[1:] - 1]), strict=True)]
    document_index = np.array([text.index for text in texts], np.int64)[text_of]
    first = np.repeat(offsets[:-1], lengths)
    itself = words.head == np.arange(len(words.head))
    begin = np.repeat(begin, lengths)
    sentences = Sentences(
        labels=labels,
        document=tuple(texts[t].document.id for t in text_of.tolist()),
        document_index=document_index,
        sentence=_positions(document_index),
        text=tuple(raw),
        word_offsets=offsets,
        word_start=words.start - begin,
        word_end=words.end - begin,
        word_pos=_codes(words.pos, labels.pos, strings, "part of speech", name),
        word_rel=_codes(words.rel, labels.rel, strings, "relation", name),
        word_head=np.where(itself, -1, words.head - first),
    )
    return sentences, total - len(number)


def _lists(*arrays: NDArray[np.int64]) -> list[list[int]]:
    return [array.tolist() for array in arrays]


def _positions(document_index: NDArray[np.int64]) -> NDArray[np.int64]:
    """[S] number of each sentence within its run of equal documents."""
    rows = np.arange(len(document_index))
    first = np.diff(document_index, prepend=-1) != 0
    return rows - np.maximum.accumulate(np.where(first, rows, 0))


def _codes(keys: NDArray[np.int64], labels: tuple[str, ...], strings: Any, kind: str, name: str) -> NDArray[np.int64]:
    """Keys of the string store as numbers of labels."""
    code = {label: number for number, label in enumerate(labels)} | {"": labels.index(NO_LABEL)}
    if kind == "part of speech":
        code["SPACE"] = code[NO_LABEL]
    found, inverse = np.unique(keys, return_inverse=True)
    names = [strings[int(np.uint64(key))] for key in found.astype(np.uint64)]
    if unknown := [label for label in names if label not in code]:
        raise AnnotationError(
            f"expected every {kind} that the pipeline {name} gives among {', '.join(labels)}; found "
            f"{', '.join(unknown)} too; take a pipeline with universal tags that declares its relations"
        )
    return np.array([code[label] for label in names], np.int64)[inverse]


def _load(name: str) -> Any:
    """The pipeline, probed, without the components that nothing here needs."""
    _spacy_version()
    source = name if _package_version(name) is not None else str(_folder(name))
    try:
        import spacy

        pipeline = spacy.load(source)
        _disable_unneeded(pipeline)
        doc = pipeline(_PROBE)
    except Exception as error:  # a pipeline's components raise anything
        raise AnnotationError(
            f"cannot load the pipeline {name}: {type(error).__name__}: {first_line(error)}{_made_for(source)}; install "
            f"the version for this spaCy ({_spacy_version()}), e.g. python -m spacy download NAME, or name "
            "another with --annotator"
        ) from error
    _check_probe(doc, pipeline, name)
    return pipeline


def _disable_unneeded(pipeline: Any) -> None:
    """Leaves out entities, lemmas and text classes, unless a component that is not spaCy's own might need them."""
    factories = {part: pipeline.get_pipe_meta(part).factory for part in pipeline.pipe_names}
    if not set(factories.values()) <= _NEEDED | _NOT_NEEDED:
        return
    rules = " ".join(str(pipeline.get_pipe(p).patterns) for p, f in factories.items() if f == "attribute_ruler")
    if "LEMMA" in rules or "ENT_" in rules:
        return
    for part, factory in factories.items():
        if factory in _NOT_NEEDED:
            pipeline.disable_pipe(part)


def _check_probe(doc: Any, pipeline: Any, name: str) -> None:
    parts = ", ".join(pipeline.pipe_names) or "nothing"
    given = [what for what in ("TAG", "POS", "MORPH", "DEP", "SENT_START") if doc.has_annotation(what)]
    needed = {"DEP": "dependencies", "SENT_START": "sentences", "POS": "parts of speech"}
    for attribute, what in needed.items():
        if attribute not in given:
            raise AnnotationError(
                f"expected the pipeline {name} to give sentences, parts of speech and dependencies; found no {what} "
                f"({attribute}) in its output, which has {', '.join(given) or 'no annotation'} (components: "
                f"{parts}); take one "
                "with a parser and a tagger, such as en_core_web_sm"
            )


def _declared_relations(pipeline: Any, name: str) -> set[str]:
    """The labels of the components that set dependencies, and ROOT, which spaCy gives to roots by itself."""
    parts = [part for part in pipeline.pipe_names if "token.dep" in pipeline.get_pipe_meta(part).assigns]
    labels = {str(label) for part in parts for label in pipeline.pipe_labels.get(part, ())}
    labels = {label for label in labels if label and "||" not in label}  # || marks what the parser undoes
    if not labels:
        raise AnnotationError(
            f"expected the pipeline {name} to declare its dependency relations, found none (components: "
            f"{', '.join(pipeline.pipe_names)}); take one with spaCy's parser"
        )
    return labels | ({"ROOT"} if "root" not in labels else set())


def digest_pipeline(name: str) -> str:
    """Of a pipeline's name and version, or of its folder's files, and of spaCy's version; nothing is loaded.

    Raises:
        AnnotationError: spaCy is not installed, or there is no such pipeline.
    """
    state = blake2b(f"spacy,{VERSION},{_spacy_version()},".encode(), digest_size=16)
    package = _package_version(name)
    if package is not None:
        state.update(f"{name.replace('-', '_')},{package}".encode())
    else:
        _update_with_folder(state, _folder(name))
    return f"spacy-{state.hexdigest()}"


def _spacy_version() -> str:
    try:
        return metadata.version("spacy")
    except metadata.PackageNotFoundError as error:
        raise AnnotationError(
            "expected spaCy to annotate text, found it not installed; pip install 'spacy>=3.8,<3.9'"
        ) from error


def _package_version(name: str) -> str | None:
    """The version of an installed pipeline package; None if there is none of this name."""
    if not name.replace("_", "").replace("-", "").isalnum():
        return None
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _folder(name: str) -> Path:
    """The folder of a pipeline, checked to be one."""
    path = Path(name).expanduser()
    if not path.exists():
        raise AnnotationError(
            f"expected a spaCy pipeline, found neither an installed package nor a folder named {name!r}; install "
            "it with "
            f"python -m spacy download {path.name} (needs a network), or give the path of a pipeline's folder"
        )
    if not (path / "config.cfg").is_file() or not (path / "meta.json").is_file():
        raise AnnotationError(
            f"expected the folder of a spaCy pipeline, found no config.cfg and meta.json in {path}; give the "
            "folder that "
            "nlp.to_disk wrote"
        )
    return path


def _update_with_folder(state: Any, folder: Path) -> None:
    """Adds the relative paths and contents of all files, hidden ones left out."""
    try:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in relative.parts):
                content = path.read_bytes()
                state.update(f"{relative.as_posix()},{len(content)},".encode())
                state.update(content)
    except OSError as error:
        raise AnnotationError(f"cannot read the pipeline {folder}: {error.strerror}; correct its rights") from error


def _made_for(source: str) -> str:
    """The spaCy version that a pipeline's folder asks for."""
    try:
        version = json.loads((Path(source) / "meta.json").read_text()).get("spacy_version")
    except (OSError, ValueError, AttributeError):
        return ""
    return f" (it was made for spaCy {version})" if version else ""
