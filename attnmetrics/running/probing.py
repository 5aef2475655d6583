"""`attnmetrics probe`: from a run and two treebanks to `probe.zarr`. Goes on from what is already done.

RUN/probe/features/<digest>/   what probes learn from, of one treebank and one model (see `store.features`)
RUN/probe/fits/<digest>.npz    the weights of a probe
RUN/probe.zarr                 accuracies and weights
RUN/probe/tables/              the same as CSV
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from importlib.metadata import version
from io import BytesIO
from typing import Any

import numpy as np
import xarray as xr

from attnmetrics.config import ProbeConfig, RunConfig
from attnmetrics.engine import Engine
from attnmetrics.engine.leased import LeasedEngine
from attnmetrics.engine.surroundings import BIT_PACKAGES
from attnmetrics.engine.worker import Extracting
from attnmetrics.errors import CorpusError, StoreError
from attnmetrics.measuring.selection import Sampling
from attnmetrics.model.pack import Batching
from attnmetrics.probing import clark
from attnmetrics.probing.probes import DIRECTIONS, Probe, Shape
from attnmetrics.probing.sums import OFFSETS, Count, Score, Sums
from attnmetrics.probing.vectors import WIDTH, VectorFile, open_vectors
from attnmetrics.results.dataset import save
from attnmetrics.results.probes import FILE, Found, Tried, load_probe, probe_dataset
from attnmetrics.results.tables import save_tables
from attnmetrics.running.driver import open_engine
from attnmetrics.running.fitting import Fit, Treebank, cut_parts, fit
from attnmetrics.running.lease import hold
from attnmetrics.running.progress import Reporter
from attnmetrics.running.runfile import Facts, check_identity, config_of, read_facts
from attnmetrics.running.seals import seal_apart
from attnmetrics.running.session import refuse_failures
from attnmetrics.running.stages import Job, annotate, extract, find_unannotated, prepare, select
from attnmetrics.statistics.word_features import WordFeatures
from attnmetrics.storage import Location, os_errors
from attnmetrics.store.features import FeatureStore

FORMAT = 1
"""Of features and fits; those of another one are made anew."""

BASELINES = {
    "distances": Probe("distances"),
    "words": Probe("constant", words=True),
    "distances_and_words": Probe("distances", words=True),
}
RECIPES = {
    "attention_clark": clark.Recipe(words=False),
    "attention_and_words_clark": clark.Recipe(words=True),
    "attention_and_words_clark_root_bug": clark.Recipe(words=True, root_bug=True),
}
PROBES = {"attention": Probe("attention"), "attention_and_words": Probe("attention", words=True)}


@dataclass(frozen=True, slots=True)
class Probing:
    """A run whose attention is probed, and what it is probed with."""

    folder: Location
    facts: Facts
    config: ProbeConfig
    jobs: tuple[Job, Job]
    """of the treebank to learn from, and of that to be tried on"""
    engine: Engine
    reporter: Reporter
    vectors: VectorFile | None

    @property
    def model(self) -> Facts:
        """What `run.json` says of the model."""
        model: Facts = self.facts["model"]
        return model

    @property
    def maps(self) -> int:
        """Heads of all layers."""
        return len(self.model["layers"]) * int(self.model["heads"])

    @property
    def width(self) -> int:
        """Components of word vectors."""
        return WIDTH if self.vectors is None else self.vectors.width

    @property
    def special(self) -> list[str]:
        """Names of the special pieces: a sentence's first and last ones."""
        ends = [max(self.model[kind][end] for kind in ("null", "template")) for end in ("leading", "trailing")]
        first = [f"first {place}" if ends[0] > 1 else "first" for place in range(ends[0])]
        return [*first, *(f"last {place}" if ends[1] > 1 else "last" for place in range(ends[1]))]

    @property
    def relations(self) -> tuple[str, ...]:
        """Those of both treebanks, in code-point order."""
        return tuple(sorted({name for job in self.jobs for name in (job.plan.gold or {}).get("rel", ())}))


def probe(folder: Location, config: ProbeConfig, reporter: Reporter) -> xr.Dataset:
    """Probe a run's attention.

    Returns:
        what `probe.zarr` holds.

    Raises:
        AttnmetricsError: what is wrong and what to do; what is done is kept.
    """
    facts = read_facts(folder)
    if facts is None:
        raise StoreError(f"{folder} holds no run: expected {folder / 'run.json'}; give the folder that --out named")
    vectors = open_vectors(config.word_vectors) if config.word_vectors else None
    of_run = config_of(folder, facts).model_copy(update={"out": folder})
    jobs = [_plan(of_run, config, paths, number, reporter) for paths, number in _treebanks(config)]
    with hold(folder, reporter) as lease, open_engine(jobs[0], reporter) as engine:
        leased = LeasedEngine(engine, lease.check)
        probing = Probing(folder, dict(facts), config, (jobs[0], jobs[1]), leased, reporter, vectors)
        dataset = probe_dataset(_find(probing))
        lease.check()
        seal_apart(folder, FILE, lambda: save(dataset, folder / FILE))
        save_tables(dataset, folder / "probe" / "tables")
        (folder / "run.json").sweep()
    return load_probe(folder)


def _treebanks(config: ProbeConfig) -> list[tuple[tuple[str, ...], int | None]]:
    return [(config.treebank, config.sentences), (config.test, config.test_sentences)]


def _plan(
    of_run: RunConfig, config: ProbeConfig, paths: tuple[str, ...], number: int | None, reporter: Reporter
) -> Job:
    """A treebank, with the run's model: sentences are units, whatever those of the run are.

    Raises:
        CorpusError: it is no treebank, or has no word.
    """
    chosen = {name: getattr(config, name) for name in ("engine", "threads") if getattr(config, name) is not None}
    changed = {
        **chosen, "corpus": paths, "format": "conllu", "max_documents": None, "unit": "sentence", "label": {},
        "link": {}, "sample_sentences": number, "metric_sentences": None, "annotations": of_run.annotation_folder,
        "workers": config.workers, "address": config.address,
    }  # fmt: skip
    job = prepare(of_run.model_copy(update=changed), reporter)
    if job.plan.gold is None or not set(job.plan.gold["rel"]) - {"_"}:
        raise CorpusError(f"expected a treebank with relations in {', '.join(paths)}, found none; give CoNLL-U files")
    return job


def _find(probing: Probing) -> Found:
    """Everything, in order: features, counts, baselines, probes, controls."""
    batching = _know_model(probing)
    train, test = (_open(probing, job, batching, None) for job in probing.jobs)
    counted = [bank.sum_up(Count(probing.relations)) for bank in (train, test)]
    _say_what_is_left_out(probing, *counted)
    best, tried = _try_offsets(probing, *counted)
    for name, one in {**BASELINES, **PROBES}.items():
        tried[name] = [_try(probing, name, one, train, test)]
    controls = {
        name: _try(probing, f"{name}, control task", replace(one, control=True), train, test)
        for name, one in PROBES.items()
    }
    for seed in range(probing.config.random_models):
        banks = [_open(probing, job, batching, seed) for job in probing.jobs]
        for name, one in PROBES.items():
            tried.setdefault(f"{name}_random", []).append(_try(probing, f"{name}, random model {seed}", one, *banks))
    if probing.config.recipe == "clark":
        tried |= {name: [_try_recipe(probing, name, recipe, train, test)] for name, recipe in RECIPES.items()}
    return Found(
        layers=probing.model["layers"],
        heads=probing.model["heads"],
        special=probing.special,
        directions=DIRECTIONS,
        relations=probing.relations,
        tried=tried,
        controls=controls,
        train=counted[0],
        test=counted[1],
        best_offset=best,
        about=_describe(probing, *counted),
    )


# ---- before the first fit


def _know_model(probing: Probing) -> Batching:
    """How the run's model is given sentences; the model is loaded where its record does not say.

    Raises:
        StoreError: it is not the model that was measured.
    """
    facts = probing.facts
    if "model" not in facts or "batching" not in facts:
        model = probing.engine.describe_model()
        check_identity(probing.folder, facts, {"model fingerprint": model["fingerprint"]})
        facts |= {"model": model, "batching": asdict(probing.engine.find_batching())}
    return Batching(**facts["batching"])


def _open(probing: Probing, job: Job, batching: Batching, random: int | None) -> Treebank:
    """A treebank with what probes learn from, of the run's model or one with random weights.

    Raises:
        ShardError: some shards failed.
        CorpusError: no word has a piece.
    """
    store = FeatureStore(probing.folder / "probe" / "features" / _name_features(probing, job, random))
    shards = job.plan.shards
    if missing := store.find_missing(len(shards)):
        loaded = probing.engine.describe_model()
        check_identity(probing.folder, probing.facts, {"model fingerprint": loaded["fingerprint"]})
        refuse_failures(
            job, annotate(job, probing.engine, probing.reporter, find_unannotated(job, probing.reporter)).failures
        )
        sampling = Sampling(job.config.seed, select(job, job.config.sample_sentences), None, None, None)
        extracting = Extracting(sampling, store, batching, probing.vectors, random)
        outcome = extract(job, probing.engine, probing.reporter, extracting, missing)
        refuse_failures(job, outcome.failures)
        if outcome.damaged:
            raise StoreError(f"{outcome.damaged[0].reason}; run the same command to go on")
    return Treebank(cut_parts(shards, store.count_sentences(len(shards))), store, probing.engine)


def _name_features(probing: Probing, job: Job, random: int | None) -> str:
    """Digest of all that decides what they are."""
    config, model = job.config, probing.model
    vectors = probing.vectors
    return _digest({
        "format": FORMAT, "treebank": job.plan.digest, "annotator": job.fingerprint, "shards": len(job.plan.shards),
        "sentences": config.sample_sentences, "seed": config.seed, "batch_pieces": config.batch_pieces,
        "null_tokens": config.null_tokens, "dtype": config.dtype, "layers": model["layers"],
        "model": model["fingerprint"], "batching": probing.facts["batching"], "random": random,
        "vectors": None if vectors is None else vectors.digest(),
        "versions": {package: version(package) for package in BIT_PACKAGES},
    })  # fmt: skip


def _say_what_is_left_out(probing: Probing, train: Sums, test: Sums) -> None:
    """What is not measured, and relations that only one of the treebanks has.

    Raises:
        CorpusError: there is nothing to learn from, or nothing to be tried on.
    """
    for paths, sums in zip((probing.config.treebank, probing.config.test), (train, test), strict=True):
        if not sums["words"].sum():
            raise CorpusError(f"expected words in {', '.join(paths)}, found none that has a piece; check the treebank")
        where = f"of {int(sums['words'].sum()):,} words in {int(sums['sentences']):,} sentences of {', '.join(paths)}"
        probing.reporter.say(
            f"{where}, words whose head has no piece: {int(sums['without_head'])}, without a vector: "
            f"{int(sums['without_vector'])}; left out, words without a piece: {int(sums['without_piece'])}"
        )
    if unseen := _unseen(probing, train, test):
        number = int(sum(unseen.values()))
        probing.reporter.warn(
            f"of the words to be tried on, {number:,} have relations that no sentence to learn from has: "
            f"{', '.join(unseen)}; they are scored like all others"
        )


def _unseen(probing: Probing, train: Sums, test: Sums) -> dict[str, int]:
    """Relations of the test that training has not, and their words."""
    words = zip(probing.relations, train["words"], test["words"], strict=True)
    return {name: int(tried) for name, learned, tried in words if tried and not learned}


def _describe(probing: Probing, train: Sums, test: Sums) -> dict[str, Any]:
    config, vectors = probing.config, probing.vectors
    own = (
        f"the model's input embeddings, mean over pieces, projected to {WIDTH} dimensions; not comparable with GloVe's"
    )
    unseen = _unseen(probing, train, test)
    return {
        "model": probing.model["name"],
        "treebank": ", ".join(config.treebank),
        "test": ", ".join(config.test),
        "word_vectors": own if vectors is None else f"{vectors.path}, {vectors.width} dimensions",
        "penalty": config.penalty,
        "recipe": config.recipe,
        "relations_not_learned": ", ".join(f"{name} ({number})" for name, number in unseen.items()) or "none",
        "notation": "A[k][i, j] is the attention of word i to word j in head k: the mean over the pieces of i of what "
        "goes to the pieces of j, null columns left out",
    }


# ---- trying


def _try_offsets(probing: Probing, train: Sums, test: Sums) -> tuple[int, dict[str, list[Tried]]]:
    """The best word offset in training, and how it and the next word do."""
    scored = np.array([relation != "punct" for relation in probing.relations])
    best = int(np.argmax(train["at_offset"][scored].sum(0)))
    tried = {name: [Tried(test["at_offset"][:, place], 0.0)]
             for name, place in (("right_branching", OFFSETS.index(1)), ("best_offset", best))}  # fmt: skip
    return OFFSETS[best], tried


def _try(probing: Probing, name: str, one: Probe, train: Treebank, test: Treebank) -> Tried:
    """Fit a probe, unless that is done, and score it."""
    shape = Shape.of(one, probing.maps, len(probing.special), probing.width)
    fitted = _fit(probing, name, one, shape, train)
    sums = test.sum_up(Score(one, shape, fitted.weights, probing.relations))
    weights = fitted.weights.reshape(shape.weights)
    return Tried(sums["right"], float(sums["roots"]), fitted.loss, fitted.iterations, fitted.converged, weights)


def _try_recipe(probing: Probing, name: str, recipe: clark.Recipe, train: Treebank, test: Treebank) -> Tried:
    """Train a probe as the paper did, and score it; on the driver, for the order of sentences matters."""
    seed = probing.jobs[0].config.seed
    trained = clark.train(_read(train), recipe, probing.maps, len(probing.special), probing.width, seed)
    right, roots = clark.count_right(_read(test), trained, probing.relations)
    probing.reporter.say(f"{name}: one epoch, mean loss {trained.loss:.4f} nats")
    return Tried(right, roots, trained.loss, 1, converged=False, weights=np.zeros(trained.size))


def _read(treebank: Treebank) -> Iterator[WordFeatures]:
    """The features of all shards, in order."""
    return (treebank.store.read(shard) for part in treebank.parts for shard in part.shards)


def _fit(probing: Probing, name: str, one: Probe, shape: Shape, train: Treebank) -> Fit:
    config = probing.config
    what = {"features": train.store.folder.name, "probe": asdict(one), "penalty": config.penalty}
    file = (
        probing.folder
        / "probe"
        / "fits"
        / f"{_digest({**what, 'iterations': config.iterations, 'format': FORMAT})}.npz"
    )
    if (kept := _read_fit(file, shape)) is not None:
        return kept
    fitted = fit(train, one, shape, config.penalty, config.iterations)
    _write_fit(file, fitted)
    probing.reporter.say(f"{name}: {fitted.iterations} iterations, mean loss {fitted.loss:.4f} nats")
    if not fitted.converged:
        probing.reporter.warn(f"{name}: not at its minimum after {fitted.iterations} iterations; raise --iterations")
    return fitted


def _write_fit(file: Location, fitted: Fit) -> None:
    content = BytesIO()
    np.savez(content, allow_pickle=False, **asdict(fitted))
    try:
        with os_errors():
            file.write(content.getvalue())
    except OSError as error:
        raise StoreError(
            f"cannot write {file}: {error.strerror or error}; make room, then run the same command"
        ) from None


def _read_fit(file: Location, shape: Shape) -> Fit | None:
    """The fit in a file; None where there is none, or none of this shape."""
    try:
        with os_errors(), np.load(BytesIO(file.read())) as arrays:
            fitted = Fit(**{name: array if array.ndim else array.item() for name, array in arrays.items()})
    except Exception:  # foreign content fails anywhere
        return None
    return fitted if fitted.weights.shape == (shape.size,) else None


def _digest(what: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=16).hexdigest()
