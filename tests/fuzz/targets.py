"""Every parser of what comes from outside, as a check on arbitrary bytes that fails only if the promise is broken.

The promise: a result, or an error of ours that names the file and, in text formats, the line, in a message of bounded
length.
"""

import bz2
import gzip
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
import zstandard
from schemas import small_schema

from attnmetrics.annotation import cache
from attnmetrics.annotation.conllu import ConlluAnnotator, LabelScan
from attnmetrics.annotation.sentence import Annotated, Column, Sentences
from attnmetrics.config import build_config
from attnmetrics.corpus import Document, digest, read_documents
from attnmetrics.errors import AttnmetricsError
from attnmetrics.running.driver import progress_of
from attnmetrics.running.progress import printable
from attnmetrics.running.runfile import FORMAT
from attnmetrics.statistics.traces import Traces
from attnmetrics.storage import locate
from attnmetrics.store.commits import Commit, Counts, LeftOut, _seal
from attnmetrics.store.shards import Store, _npz
from attnmetrics.views.terminal.status import show_status

MESSAGE_LIMIT = 3000
"""Characters of an error; the longest lists all fields of the configuration."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parser."""

    check: Callable[[bytes, Path], None]
    """Parses these bytes as a file in this folder; raises if the promise is broken."""
    seeds: tuple[bytes, ...]
    """Valid files, to start from."""


TARGETS: dict[str, Target] = {}


def target(name: str, *seeds: bytes) -> Callable[[Callable[[bytes, Path], None]], None]:
    """Adds a check to `TARGETS`."""

    def add(check: Callable[[bytes, Path], None]) -> None:
        TARGETS[name] = Target(check, seeds)

    return add


@contextmanager
def ours(names: str, line: str = "") -> Iterator[None]:
    """Errors within must be of ours, short, and say where; `line` is a pattern that they match too."""
    try:
        yield
    except AttnmetricsError as error:
        message = str(error)
        assert names in message, message
        assert re.search(line, message), message
        assert len(message) < MESSAGE_LIMIT + message.count(names) * len(names), message
        printable(message).encode()


# ---- the corpus

LINE = r", line \d|the corpus is empty"
CONLLU = (
    b"# newdoc id = a\n# sent_id = 1\n# text = It's  one.\n1-2\tIt's\t_\t_\t_\t_\t_\t_\t_\t_\n"
    b"1\tIt\tit\tPRON\t_\t_\t3\tnsubj\t_\t_\n2\t's\tbe\tAUX\t_\t_\t3\tcop\t_\t_\n"
    b"3\tone\tone\tNUM\t_\t_\t0\troot\t_\tSpaceAfter=No\n3.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n"
    b"4\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_\n\n# newdoc\n1\tGo\t_\tVERB\t_\t_\t0\troot\t_\t_\n"
)
JSONL = b'{"id": "a", "text": "One \\u00e9."}\n\n{"text": "Two.", "id": 2, "more": [null, true, {"x": -1e9}]}\n'
TEXT = "One.\n\nTwo é 🦉\r\n \n".encode()


def documents(path: Path, **options: object) -> list[Document]:
    """The documents of a file, which must be fit for all that follows."""
    found = list(read_documents([str(path)], **options))  # type: ignore[arg-type]
    assert found and all(document.text and not document.text.isspace() for document in found)
    digest(found)
    return found


def corpus(name: str, line: str, *seeds: bytes) -> None:
    """Adds the check of a corpus file with this name."""

    def check(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        for mode in ("file", "blank-line") if ".txt" in name else ("file",):
            with ours(str(path), line):
                documents(path, text_documents=mode)

    target(name.removeprefix("a."), *seeds)(check)


def parquet(table: pa.Table) -> bytes:
    """The bytes of a Parquet file."""
    sink = BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


corpus("a.txt", LINE, TEXT)
corpus("a.jsonl", LINE, JSONL)
corpus("a.txt.gz", "", gzip.compress(TEXT), gzip.compress(b"") + b"\0")
corpus("a.txt.bz2", "", bz2.compress(TEXT))
corpus("a.txt.zst", "", zstandard.compress(TEXT))
corpus("a.parquet", "", parquet(pa.table({"id": ["a", "2"], "text": ["One.", "Two."]})))


@target("conllu", CONLLU)
def _(data: bytes, folder: Path) -> None:
    path = folder / "a.conllu"
    path.write_bytes(data)
    with ours(str(path), LINE):
        found = documents(path)
        scan = LabelScan()
        for document in found:
            scan.add(document)
        check_sentences(ConlluAnnotator(scan.declared).annotate(found).sentences)


def check_sentences(sentences: Sentences) -> None:
    """What the measuring relies on."""
    for s, text in enumerate(sentences.text):
        words = slice(sentences.word_offsets[s], sentences.word_offsets[s + 1])
        start, end, head = sentences.word_start[words], sentences.word_end[words], sentences.word_head[words]
        assert text == text.strip() and len(head)
        assert (start >= 0).all() and (start <= end).all() and (end <= len(text)).all()
        assert ((head >= -1) & (head < len(head)) & (head != np.arange(len(head)))).all()
    assert len(sentences.word_offsets) == len(sentences) + 1


# ---- the configuration

VALUES = {"model": "m", "corpus": ["a.txt", "b.txt"], "out": "o", "seed": 0x10, "layers": "0-3,6", "workers": None}


@target("yaml", yaml.safe_dump(VALUES).encode(), b"model: &a x\ncorpus: [*a, 2001-01-01, !!binary eA==]\nout: 0b1\n")
def _(data: bytes, folder: Path) -> None:
    path = folder / "a.yaml"
    path.write_bytes(data)
    with ours(str(path)):
        build_config({}, path).model_dump_json()


@target("layers", b"0-3,6", b"4")
def _(data: bytes, folder: Path) -> None:
    with ours("layers"):
        layers = build_config({**VALUES, "layers": data.decode(errors="surrogateescape")}).layers
        assert layers and list(layers) == sorted(set(layers))


# ---- what a run left

FACTS = {
    "format": FORMAT,
    "status": "unfinished",
    "identity": {"seed": 0},
    "peak_memory_bytes": {"driver": 1},
    "configuration": VALUES,
    "corpus": {"paths": ["a.txt"], "documents": 1, "characters": 9, "shards": 1, "left_out": {"documents_blank": 1}},
    "store": {"shards": 1, "exemplars": 2, "schema": small_schema().plain(), "by": {"meta::genre": ["a"]}},
    "batching": {"together": "packed", "at_once": True},
    "units": 1,
    "importance": {"digest": "0" * 32, "masking": None, "loss": "next", "shards": [0]},
    "outputs": {"tables": "x"},
    "seconds": {"plan": 0.1},
    "missing": [{"shard": 0, "stage": "measure", "reason": "x"}],
    "model": {"null": {"leading": 1, "trailing": 0}},
}


@target("run.json", json.dumps(FACTS).encode())
def _(data: bytes, folder: Path) -> None:
    (folder / "run.json").write_bytes(data)
    with ours(str(folder)):
        place = locate(folder)
        show_status(place, progress_of(place))


COMMIT = Commit(0, 0, Counts(1), LeftOut(), {"state": "0", "passages": "0"})


@target("commit", COMMIT.pack())
def _(data: bytes, folder: Path) -> None:
    """The bytes as they are, and under a seal of their own, as far as they are JSON."""
    (folder / "commits").mkdir(exist_ok=True)
    store = Store(locate(folder), small_schema(), 2, 1)
    for content in (data, sealed(data)):
        (folder / "commits" / "000000.json").write_bytes(content)
        with ours(str(folder)):
            for shard, commit in store.committed().items():
                assert shard == commit.shard == 0
                store.verify(commit)


def sealed(data: bytes) -> bytes:
    """A record with a valid seal where there can be one."""
    try:
        record = json.loads(data)
        return json.dumps(record | {"seal": _seal(record)}).encode()
    except (ValueError, TypeError, AttributeError, RecursionError):
        return data


@target("traces", _npz(Traces(*(np.ones(1, kind) for kind in ("i8", "i8", "i4", "i4", "f4")))))
def _(data: bytes, folder: Path) -> None:
    (folder / "traces").mkdir(exist_ok=True)
    (folder / "traces" / "0.npz").write_bytes(data)
    Store(locate(folder), small_schema(), 1, 1).read_traces("0")


# ---- the annotation cache

COLUMNS = {name: Column(("X",), np.array([0])) for name in ("pos", "rel", "lemma")}
INTS = [np.array(values, np.int64) for values in ([0], [0], [0, 1], [0], [3], [-1])]
ANNOTATED = Annotated(Sentences(("a",), *INTS[:2], ("One",), *INTS[2:], COLUMNS), {"sentences": 1, "words": 1})


def annotations() -> bytes:
    sink = BytesIO()
    pq.write_table(cache._table(ANNOTATED, "f", "d"), sink, write_page_checksum=True)
    return sink.getvalue()


def read_annotations(data: bytes, folder: Path) -> None:
    path = cache.annotation_path(locate(folder), "f", "d")
    path.write(data)
    for read in (lambda: check_sentences(cache.read(path)), lambda: cache.read_keys(path)):
        with ours(str(path)):
            read()
    with ours(str(path)):
        cache.read_counts(path)
    with ours(str(path)):
        cache.read_columns(path)


target("annotations", annotations())(read_annotations)


@target("annotation metadata", cache._table(ANNOTATED, "f", "d").schema.metadata[cache._KEY])
def _(data: bytes, folder: Path) -> None:
    read_annotations(parquet(cache._table(ANNOTATED, "f", "d").replace_schema_metadata({cache._KEY: data})), folder)


@target("labels", json.dumps({"version": cache.VERSION, "fingerprint": "f", "declared": {"pos": ["X"]}}).encode())
def _(data: bytes, folder: Path) -> None:
    path = cache._declared_path(locate(folder), "f")
    path.write(data)
    with ours(str(path)):
        cache.load_declared(locate(folder), "f")
