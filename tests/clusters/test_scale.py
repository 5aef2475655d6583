"""Scale: ten thousand shards of GPT-2 small's state through planner, driver, engines, store and merge: `make scale`.

Only the annotator and the forward pass are made up, from the numbers of documents and sentences alone, so that what
comes out at the end can be computed in another way. A shard has 200,000 characters in 1,600 sentences.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from ray import cloudpickle
from schemas import small_schema

import attnmetrics
from attnmetrics.annotation import cache
from attnmetrics.annotation.cache import annotation_path
from attnmetrics.annotation.sentence import Annotated, Column, Declared, Sentences
from attnmetrics.config import RunConfig, build_config
from attnmetrics.corpus import Document
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Effort
from attnmetrics.engine.memory import peak_memory_bytes
from attnmetrics.engine.ray import RemoteWorker
from attnmetrics.engine.worker import Measuring
from attnmetrics.measuring.tracing import Chunk
from attnmetrics.model.pack import Batching
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter
from attnmetrics.statistics.claims import no_rows
from attnmetrics.statistics.exemplars import Exemplars, Peaks, from_peaks
from attnmetrics.statistics.passages import Passage
from attnmetrics.statistics.states import State
from attnmetrics.statistics.tokens import PieceTypes, TokenSums
from attnmetrics.statistics.traces import Traces
from attnmetrics.statistics.typical import Typical
from attnmetrics.statistics.variability import Prefix, prefix_pairs
from attnmetrics.store.commits import Commit, Counts, LeftOut
from attnmetrics.store.shards import ShardContent, Store

SHARDS = int(os.environ.get("SCALE_SHARDS", "10000"))
"""Of the long trial; a short one is among the tests of clusters, so that this one keeps running."""
FEW = 80
"""Of the short trial: a tenth of them is as many as intervals need."""

LAYERS = HEADS = 12
POS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SPACE", "SYM", "VERB", "X", "_",
)  # fmt: skip
REL = (
    "ROOT", "acl", "acomp", "advcl", "advmod", "agent", "amod", "appos", "attr", "aux", "auxpass", "case", "cc",
    "ccomp", "compound", "conj", "csubj", "csubjpass", "dative", "dep", "det", "dobj", "expl", "intj", "mark", "meta",
    "neg", "nmod", "npadvmod", "nsubj", "nsubjpass", "nummod", "oprd", "parataxis", "pcomp", "pobj", "poss", "preconj",
    "predet", "prep", "prt", "punct", "quantmod", "relcl", "xcomp", "_",
)  # fmt: skip
"""What spaCy's English pipelines declare."""

SCHEMA = small_schema(tuple(range(LAYERS)), HEADS, pos=POS, rel=REL)
DOCUMENTS = SENTENCES = 40
"""Documents of a shard, and sentences of a document."""

SENTENCE = "The river that rises in the hills north of the town flows past two old mills and a farm into the lake ."
WORDS = SENTENCE.split()
CHARACTERS = 125
"""Of a sentence."""

MEGABYTE = 1e6
ZARR_FILES = 3
"""That say what the arrays are."""


def bits(*keys: Any) -> NDArray[np.uint64]:
    """Numbers that depend on their keys alone (splitmix64)."""
    x = np.zeros(1, np.uint64)
    for key in keys:
        x = (x ^ np.asarray(key).astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x


def uniform(*keys: Any) -> NDArray[np.float64]:
    """Numbers in [0, 1) that depend on their keys alone."""
    return (bits(*keys) >> np.uint64(11)) * 2.0**-53


def peak_weights(document: NDArray[np.int64], sentence: NDArray[np.int64], head: Any) -> NDArray[np.float64]:
    """The largest attention in these sentences: that of a long sentence is large in all heads."""
    own, common = uniform(document, sentence, head), uniform(document, sentence)
    return (own + common) / 2 * (0.3 + 0.7 * np.asarray(head) / (LAYERS * HEADS))


def peaks(document: NDArray[np.int64], sentence: NDArray[np.int64], k: int) -> Exemplars:
    """The k best of S sentences in every head."""
    heads = np.arange(LAYERS * HEADS)
    weight = peak_weights(document[:, None], sentence[:, None], heads).reshape(-1, LAYERS, HEADS)
    piece = np.broadcast_to(sentence[:, None, None] % 25, weight.shape)
    text = bits(document, sentence)
    pair = np.broadcast_to(text[:, None, None, None], (len(text), 2, LAYERS, HEADS))
    weight, piece = (np.stack([column, column], axis=1) for column in (weight, piece))
    return from_peaks(Peaks(weight, piece + 1, piece, pair), document, sentence, text, k)


def made_up_state(shard: int) -> State:
    """Random sums; what is counted is whole."""
    random = np.random.default_rng(shard)
    sums = {one.name: random.random(SCHEMA.shape(one.dims)) * 40_000 for one in SCHEMA.sums}
    sums |= {one.name: np.floor(sums[one.name]) for one in SCHEMA.sums if "head" not in one.dims}
    return State(SCHEMA, sums | {"sentences": np.array(float(DOCUMENTS * SENTENCES))})


def text_of(document: int, sentence: int) -> str:
    return f"{SENTENCE} {document} {sentence}"


class MadeUpAnnotator:
    """Sentences of so many characters, with the same words."""

    fingerprint = "made-up"
    declared: ClassVar[Declared] = {"pos": POS, "rel": REL}

    def annotate(self, documents: Sequence[Document]) -> Annotated:
        number = len(documents) * SENTENCES
        lengths = np.array([len(word) for word in WORDS])
        start = np.cumsum(lengths + 1) - lengths - 1
        words = np.arange(number * len(WORDS))
        sentences = Sentences(
            document=tuple(document.id for document in documents for _ in range(SENTENCES)),
            document_index=np.repeat(np.arange(len(documents)), SENTENCES),
            sentence=np.tile(np.arange(SENTENCES), len(documents)),
            text=tuple(
                document.text[place * CHARACTERS : (place + 1) * CHARACTERS - 1]
                for document in documents
                for place in range(SENTENCES)
            ),
            word_offsets=np.arange(number + 1) * len(WORDS),
            word_start=np.tile(start, number),
            word_end=np.tile(start + lengths, number),
            word_head=words % len(WORDS) - 1,
            columns={"pos": Column(POS, words % len(POS)), "rel": Column(REL, words % len(REL))},
        )
        counts = {"documents": len(documents), "sentences": number, "words": len(words), "sentences_blank": 0}
        return Annotated(sentences, counts)


class MadeUpWorker(RemoteWorker):
    """Reads and writes as a worker does; what a pipeline and a model would have found is made up."""

    def declared(self) -> Declared:
        return MadeUpAnnotator.declared

    def describe_model(self) -> dict[str, Any]:
        return {
            "name": "made up",
            "fingerprint": "",
            "revision": None,
            "layers": list(range(LAYERS)),
            "heads": HEADS,
            "device": "cpu",
            "kernel": "",
            "own_attention": "",
            "layers_without_norm": [],
        }

    def find_batching(self) -> Batching:
        return Batching("packed", at_once=True)

    def _load_annotator(self) -> Any:
        return MadeUpAnnotator()

    def measure(self, shard: Shard, fingerprint: str, measuring: Measuring) -> Effort:
        start = time.perf_counter()
        path = annotation_path(self._config.annotation_folder, fingerprint, shard.digest)
        sentences = cache.read(path, ("pos", "rel"), shard.first_document)
        exemplars = peaks(sentences.document_index, sentences.sentence, self._config.exemplars)
        kept = measuring.sampling.prefix_sentences
        assert kept is not None
        counts = Counts(len(sentences), len(sentences.word_start), len(sentences), kept)
        left_out = LeftOut(cache.read_counts(path)["sentences_blank"])
        state, prefix = made_up_state(shard.index), made_up_prefix(shard.index, kept)
        passages = made_up_passages(exemplars)
        content = ShardContent(state, prefix, exemplars, no_rows(), made_up_typical(), made_up_tokens(), passages)
        seconds, before = time.perf_counter() - start, time.process_time()
        measuring.store.write(Commit(shard.index, shard.first_document, counts, left_out), content)
        writing = round((time.process_time() - before) * 1e9)  # counted as words, for whoever watches
        return Effort(seconds, peak_memory_bytes(), len(sentences), words=writing)

    def trace(self, chunk: Chunk, store: Store, batching: Batching) -> Effort:
        pieces = np.full(len(chunk.wanted), len(WORDS))
        attending, attended = np.tril_indices(len(WORDS))
        i, j = (np.tile(side, len(chunk.wanted)).astype(np.int32) for side in (attending, attended))
        weight = np.full(len(i), 0.25, np.float32)
        store.write_traces(chunk.digest, Traces(pieces, np.full(len(pieces), len(attending)), i, j, weight))
        return Effort(0.0, peak_memory_bytes(), len(chunk.units))


def made_up_prefix(shard: int, sentences: int) -> Prefix:
    random = np.random.default_rng(shard)
    blocks = random.random((sentences, LAYERS, HEADS, len(prefix_pairs(causal=True)[0])), dtype=np.float32)
    return Prefix(blocks, random.integers(0, 2**63, sentences, dtype=np.uint64))


def made_up_typical() -> Typical:
    nothing = np.zeros((0, LAYERS, HEADS))
    keys = np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    return Typical(*keys, *(nothing.astype(kind) for kind in (np.float32, np.int32, np.int32)))


def made_up_tokens() -> TokenSums:
    ids = np.arange(len(WORDS))
    types = PieceTypes(ids, [f"Ġ{word}" for word in WORDS], np.ones((2, len(ids)), np.int64), np.ones(len(ids)))
    return TokenSums(types, np.ones((LAYERS, 2, len(ids), HEADS)))


def made_up_passages(exemplars: Exemplars) -> list[Passage]:
    keys = sorted(set(zip(exemplars.document_index.ravel().tolist(), exemplars.sentence.ravel().tolist(), strict=True)))
    texts = [text_of(*key) for key in keys]
    pieces = [[f"Ġ{word}" for word in text.split()] for text in texts]
    ids = [[1] * len(own) for own in pieces]
    return [Passage(f"d{key[0]}", *key, 0, *rest) for key, *rest in zip(keys, texts, pieces, ids, strict=True)]


def write_corpus(path: Path, shards: int) -> None:
    """Documents of a shard's size divided by `DOCUMENTS`, each with an id and a text of its own."""
    line = SENTENCE.ljust(CHARACTERS - 1) + " "
    with path.open("w") as file:
        for document in range(shards * DOCUMENTS):
            text = f"{document} {line * SENTENCES}"[: CHARACTERS * SENTENCES - 1] + "."
            file.write(f'{{"id": "d{document}", "text": {json.dumps(text)}}}\n')


@dataclass
class Stage:
    """What a stage took of the driver."""

    name: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """of all threads, those of Ray too"""
    own_cpu_seconds: float = 0.0
    """of the driver's own thread"""
    megabytes: float = 0.0
    """at its end"""

    def describe(self) -> str:
        took = (
            f"{self.seconds:7.1f} s, {self.cpu_seconds:6.1f} s of CPU ({self.own_cpu_seconds:.1f} s of its own thread)"
        )
        return f"  {self.name:<28}{took:<56}{self.megabytes:6.0f} MB"


class Watch(Reporter):
    """Keeps what the driver takes, and may stop it after some shards."""

    def __init__(self, shards: int, stop_after: int | None = None) -> None:
        super().__init__(quiet=True)
        self.stop_after = stop_after
        self.lap_shards = max(1, shards // 20)
        self.laps: list[Stage] = []
        self.megabytes: list[float] = []
        """the driver's, after every twentieth of the shards"""
        self.write_cpu_seconds = 0.0
        """of workers"""
        self.measured = 0
        self._before = clocks()

    @contextmanager
    def stages(self, sizes: Mapping[str, tuple[int, int]]) -> Iterator[None]:
        self.lap(f"before {' and '.join(sizes)}")
        self.laps.append(Stage(" and ".join(sizes)))
        try:
            with super().stages(sizes):
                yield
        finally:
            self._close(self.laps[-1])

    def lap(self, name: str) -> None:
        """What came since the last stage was `name`."""
        self.laps.append(Stage(name))
        self._close(self.laps[-1])

    def advance(self, stage: str, characters: int, seconds: float, amounts: Mapping[str, int]) -> None:
        super().advance(stage, characters, seconds, amounts)
        if stage == "measure":
            self.measured += 1
            self.write_cpu_seconds += amounts["words"] / 1e9
            if self.measured % self.lap_shards == 0:
                self.megabytes.append(anonymous_megabytes())
            if self.measured == self.stop_after:
                raise KeyboardInterrupt

    def describe(self) -> str:
        memory = ", ".join(f"{megabytes:.0f}" for megabytes in self.megabytes)
        return "\n".join(
            [*(lap.describe() for lap in self.laps), f"  MB after every {self.lap_shards:,} shards: {memory}"]
        )

    def _close(self, lap: Stage) -> None:
        now = clocks()
        lap.seconds, lap.cpu_seconds, lap.own_cpu_seconds = (a - b for a, b in zip(now, self._before, strict=True))
        lap.megabytes, self._before = anonymous_megabytes(), now


def clocks() -> tuple[float, float, float]:
    return time.perf_counter(), time.process_time(), time.thread_time()


def anonymous_megabytes() -> float:
    """Memory of this process that is neither shared nor a file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024 / MEGABYTE


@dataclass(frozen=True)
class Merge:
    """What `attnmetrics merge` took, start included."""

    cpu_seconds: float
    seconds: float
    megabytes: float


def merge(folder: Path) -> Merge:
    """Merge in a process of its own, whose memory is read while it runs: after a fork, the kernel's peak is ours."""
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen([sys.executable, "-m", "attnmetrics", "merge", "--quiet", folder])
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = max(peak, next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024)
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    assert process.returncode == 0
    return Merge(ended[2].ru_utime + ended[2].ru_stime, time.perf_counter() - start, peak / MEGABYTE)


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    """Files and bytes of everything in a run's folder."""
    found = {}
    for place in sorted(folder.iterdir()):
        files = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
        found[place.name] = (len(files), sum(path.stat().st_size for path in files))
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where some 10 GB do not stay."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr("attnmetrics.engine.ray.RemoteWorker", MadeUpWorker)
    monkeypatch.setattr("attnmetrics.engine.inline.Worker", MadeUpWorker)
    monkeypatch.setattr("attnmetrics.running.stages.annotator_fingerprint", lambda *_: MadeUpAnnotator.fingerprint)


def configuration(folder: Path, name: str, shards: int, engine: str) -> RunConfig:
    values = {"model": "made up", "corpus": str(folder / "corpus.jsonl"), "max_documents": shards * DOCUMENTS}
    values |= {"variability_sentences": 2 * shards, "shard_characters": DOCUMENTS * SENTENCES * CHARACTERS}
    return build_config({**values, "out": folder / name, "engine": engine, "workers": 2})


def check_results(folder: Path, shards: int) -> None:
    """The tables hold the sums of all shards, in their order; exemplars are the best of all sentences, where ranked."""
    data = attnmetrics.load(folder)
    mass = np.zeros((LAYERS, HEADS))
    for shard in range(shards):
        mass += made_up_state(shard)["given_sum"]
    np.testing.assert_array_equal(data["attention_mass"], mass)
    assert data["sentences"] == shards * DOCUMENTS * SENTENCES
    assert data["variability"].notnull().all()
    document, sentence = np.divmod(np.arange(shards * DOCUMENTS * SENTENCES), SENTENCES)
    frame = attnmetrics.exemplars(folder)
    for head in (0, 40, 100):
        rows = frame[(frame["layer"] == head // HEADS) & (frame["head"] == head % HEADS)]
        best = np.argsort(-peak_weights(document, sentence, head), kind="stable")[: len(rows)]
        assert rows["document"].tolist() == [f"d{place}" for place in document[best]]
        assert rows["sentence"].tolist() == sentence[best].tolist()
        assert rows["text"].tolist() == [text_of(*key) for key in zip(document[best], sentence[best], strict=True)]


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "shards", [pytest.param(FEW, marks=pytest.mark.cluster), pytest.param(SHARDS, marks=pytest.mark.soak)]
)
def test_many_shards(shards: int, folder: Path, made_up: None, ray_session: None) -> None:
    few = shards // 10
    write_corpus(folder / "corpus.jsonl", shards)

    fewer = Watch(few)
    run(configuration(folder, "few", few, "inline"), fewer)
    fewer.lap("merge")
    print(f"\n{few:,} shards in one process, which is driver and worker:\n{fewer.describe()}")

    many = configuration(folder, "many", shards, "ray")
    first = Watch(shards, stop_after=shards // 2)
    with pytest.raises(KeyboardInterrupt):
        run(many, first)
    print(f"\n{shards:,} shards on Ray, the driver, which is stopped at half:\n{first.describe()}")
    second = Watch(shards)
    run(many, second)
    second.lap("merge")
    print(f"\ngoes on:\n{second.describe()}")
    again = Watch(shards)
    run(many, again)
    again.lap("finished already")
    print(f"\nand is given once more:\n{again.describe()}")

    (working,) = (lap for lap in first.laps if lap.name == "annotate and measure")  # `second` also reads what is done
    ms, own_ms = (seconds / (shards // 2) * 1e3 for seconds in (working.cpu_seconds, working.own_cpu_seconds))
    writing = (first.write_cpu_seconds + second.write_cpu_seconds) / shards * 1e3
    print(f"\na shard takes {ms:.2f} ms of the driver's CPU, {own_ms:.2f} ms of them in its own thread")
    print(f"and {writing:.2f} ms of a worker's to be written")
    found = sizes(folder / "many")
    for name, (files, size) in found.items():
        print(f"  {name:<28} {files:>7,} files {size / MEGABYTE:10,.1f} MB")

    smaller, larger = merge(folder / "few"), merge(folder / "many")
    print(f"\nmerging {few:,} shards: {smaller}\nmerging {shards:,} shards: {larger}")
    check_results(folder / "few", few)
    check_results(folder / "many", shards)

    shard_files = sum(found[name][0] for name in ("shards.zarr", "prefix", "passages", "commits"))
    assert shard_files == 5 * shards + ZARR_FILES
    for watch in (first, second):
        assert max(watch.megabytes) - watch.megabytes[0] < 50
    assert larger.megabytes - smaller.megabytes < 100
    if shards >= 1000:
        assert ms < 10  # twice what is promised for quiet cores
        assert larger.cpu_seconds < 3 * 60
