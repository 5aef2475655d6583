"""Labels and links as careless users declare them, over a corpus of three sentences that can be counted by hand."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from spacy.tokens import Token

import attnmetrics
from attnmetrics.annotation import cache
from attnmetrics.assets import PIPELINES
from attnmetrics.config import RunConfig, build_config
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import Effort
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import AnnotationError, ConfigError, StoreError
from attnmetrics.running.driver import run, run_annotate, run_measure
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import locate

pytestmark = pytest.mark.usefixtures("loaded_once")

QUIET = Reporter(quiet=True)
TREEBANK = """# newdoc id = d1
# text = the cat saw the cats
1\tthe\tthe\tDET\tDT\t_\t2\tdet\t_\t_
2\tcat\tcat\tNOUN\tNN\tNumber=Sing\t3\tnsubj\t_\tAnimacy=yes
3\tsaw\tsee\tVERB\tVBD\t_\t0\troot\t_\t_
4\tthe\tthe\tDET\tDT\t_\t5\tdet\t_\t_
5\tcats\tcat\tNOUN\tNNS\tNumber=Plur\t3\tobj\t_\tAnimacy=no

# text = She sleeps
1\tShe\tshe\tPRON\tPRP\tNumber=Sing\t2\tnsubj\t_\tAnimacy=yes
2\tsleeps\tsleep\tVERB\tVBZ\tNumber=Sing\t0\troot\t_\t_

# newdoc id = d2
# text = Dogs run and dogs eat
1\tDogs\tdog\tNOUN\tNNS\tNumber=Plur\t2\tnsubj\t_\tAnimacy=yes
2\trun\trun\tVERB\tVBP\t_\t0\troot\t_\t_
3\tand\tand\tCCONJ\tCC\t_\t5\tcc\t_\t_
4\tdogs\tdog\tNOUN\tNNS\tNumber=Plur\t5\tnsubj\t_\tAnimacy=yes
5\teat\teat\tVERB\tVBP\t_\t2\tconj\t_\t_
"""
PIECES = ("0 1 2 3 4 4", "0 0 1 1 1 1", "0 0 0 1 2 3 3 4")
"""The word of each of the demo model's pieces: the cat saw the c|ats, S|he s|le|ep|s, D|og|s run and dog|s eat."""
MODULE = """
calls = 0

def case(sentence): return ["up" if word.text[0].isupper() else "low" for word in sentence.words]
def odd(sentence): return ["_rest", "_", "none", "O", "<b>"][:len(sentence.words)]
def same(sentence):
    lemmas = [word.lemma for word in sentence.words]
    return [(a, b) for a in range(len(lemmas)) for b in range(a + 1) if lemmas[a] == lemmas[b]]
def outside(sentence): return [(0, 9)]
def new_names(sentence):
    global calls
    calls += 1
    return [f"{calls}"] * len(sentence.words)
"""
LABELS = {
    "number": "word.feats.Number", "animacy": "word.misc.Animacy", "language_tag": "word.xpos", "base": "word.lemma",
    "case": "python:careless:case", "odd": "python:careless:odd", "what": "piece.special",
}  # fmt: skip
NAMES = {
    "number": ("none Sing none none Plur", "Sing Sing", "Plur none none Plur none"),
    "animacy": ("none yes none none no", "yes none", "yes none none yes none"),
    "language_tag": ("DT NN VBD DT NNS", "PRP VBZ", "NNS VBP CC NNS VBP"),
    "base": ("the cat see the cat", "she sleep", "dog run and dog eat"),
    "case": ("low low low low low", "up low", "up low low low low"),
    "odd": ("_rest _ none O <b>", "_rest _", "_rest _ none O <b>"),
}
HEADS = ("1 2 -1 4 2", "1 -1", "1 -1 4 4 1")


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a corpus and a module of the user's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.conllu").write_text(TREEBANK)
    (tmp_path / "careless.py").write_text(MODULE)
    return tmp_path


def config(out: str, **options: Any) -> RunConfig:
    values = {"model": "demo", "corpus": "gold.conllu", "out": out, "engine": "inline", "exemplars": 2}
    return build_config({**values, **options})


def message(command: Callable[[RunConfig, Reporter], object], settings: RunConfig, kind: type[Exception]) -> str:
    with pytest.raises(kind) as error:
        command(settings, QUIET)
    return str(error.value)


def annotate_and_measure(settings: RunConfig, reporter: Reporter) -> dict[str, Any]:
    """Without what only a merge gives."""
    run_annotate(settings, reporter)
    return run_measure(settings, reporter)


def rows() -> Iterator[tuple[int, int, list[int]]]:
    """(sentence, attending piece, attendable pieces); the first piece of a sentence is null."""
    for sentence, pieces in enumerate(PIECES):
        for row in range(len(pieces.split())):
            yield sentence, row, list(range(1, row + 1))


def word(sentence: int, piece: int) -> int:
    return int(PIECES[sentence].split()[piece])


def name(label: str, sentence: int, piece: int) -> str:
    return NAMES[label][sentence].split()[word(sentence, piece)]


# What they count


def test_every_source_is_what_a_count_by_hand_gives() -> None:
    links = {"same": "python:careless:same", "parent": "word.head"}
    run(config("out", label=LABELS, link=links), QUIET)
    data = attnmetrics.load("out")
    total = sum(len(columns) / (row + 1) for _, row, columns in rows())
    for label in NAMES:
        to, given = Counter[str](), Counter[str]()
        for sentence, row, columns in rows():
            given[name(label, sentence, row)] += len(columns) / (row + 1)
            to.update({name(label, sentence, row): 0.0})
            for column in columns:
                to[name(label, sentence, column)] += 1 / (row + 1)
        assert set(data[label].values) == {*to, "_"}
        for suffix, sums in (("to", to), ("from", given)):
            found = data[f"{label}_{suffix}_uniform"].to_series().to_dict()
            assert found == pytest.approx({own: sums[own] / total for own in found}, abs=1e-12)
    lemmas = {(s, a, b) for s in range(3) for a, b in pairs(NAMES["base"][s].split())}
    heads = {(s, int(head), n) for s in range(3) for n, head in enumerate(HEADS[s].split())}
    for link, linked in (("same", lemmas), ("parent", heads)):
        assert data[f"{link}_alignment"].dims == ("layer", "head")
        partners = [
            (row, len(own), len(columns))
            for sentence, row, columns in rows()
            for own in [[c for c in columns if (sentence, word(sentence, row), word(sentence, c)) in linked]]
        ]
        assert data[f"{link}_rows"] == sum(own > 0 for _, own, _ in partners)
        assert float(data[f"{link}_baseline"]) == pytest.approx(
            sum(own for _, own, _ in partners) / sum(all_ for _, _, all_ in partners)
        )
        assert float(data[f"{link}_alignment_uniform"]) == pytest.approx(
            sum(own / (row + 1) for row, own, _ in partners) / total
        )
    built_in = data["dependency_alignment"].sel(direction="attending_is_parent")
    assert built_in.values == pytest.approx(data["parent_alignment"].values, rel=1e-6)
    assert (data["what_to"].values == data["special_to"].values).all()
    assert data["animacy_to"].attrs["long_name"] == "Attention to an animacy"


def pairs(lemmas: list[str]) -> set[tuple[int, int]]:
    """Later and earlier words with the same lemma."""
    return {(a, b) for a in range(len(lemmas)) for b in range(a) if lemmas[a] == lemmas[b]}


# What is refused, and when


@pytest.mark.parametrize(
    ("corpus", "source", "expected"),
    [
        ("gold.conllu", "word.entity", "found word.entity, which it has not; name a key .* word.misc.KEY"),
        ("gold.conllu", "word.ext.fruit", "found word.ext.fruit, which it has not"),
        ("a.txt", "word.misc.Animacy", r"word.ext.KEY\), found word.misc, which CoNLL-U alone has"),
    ],
)
def test_columns_that_the_corpus_has_not_are_refused_before_it_is_annotated(
    desk: Path, corpus: str, source: str, expected: str
) -> None:
    (desk / "a.txt").write_text("The cat sat.")
    for command in (run, run_annotate, run_measure):
        with pytest.raises(AnnotationError, match=expected):
            command(config("out", corpus=corpus, label={"own": source}), QUIET)
    assert not (desk / "out").exists()


def test_a_column_that_the_pipeline_does_not_give(desk: Path) -> None:
    (desk / "a.txt").write_text("The cat sat.")
    for column in ("entity", "lemma", "ext.fruit"):
        settings = config("out", corpus="a.txt", label={"own": f"word.{column}"})
        assert f" to give {column}, found pos, rel" in message(run_annotate, settings, AnnotationError)


def test_a_key_that_no_word_has_is_refused_and_the_folder_is_free_for_another(desk: Path) -> None:
    for source in ("word.misc.animacy", "word.feats.Case"):
        found = message(annotate_and_measure, config("out", label={"own": source}), ConfigError)
        assert found.startswith(
            f"expected words with the key {source.split('.')[-1]} of {source}, found none among 12 "
        )
    run_measure(config("out", label={"own": "word.misc.Animacy"}), QUIET)
    found = message(run, config("out", label={"own": "word.xpos"}), StoreError)
    assert "label: {'own': 'word.misc.Animacy'} there, {'own': 'word.xpos'} now" in found


def test_a_function_may_be_mended_until_a_shard_is_measured(desk: Path) -> None:
    settings = config("out", link={"own": "python:careless:outside"})
    found = message(annotate_and_measure, settings, AnnotationError)
    assert found.startswith("python:careless:outside failed on the document 'd1', sentence 0 ")
    (desk / "careless.py").write_text(MODULE.replace("(0, 9)", "(1, 0)"))
    run_measure(settings, QUIET)
    (desk / "careless.py").write_text(MODULE.replace("(0, 9)", "(0, 1)"))
    assert "text of careless: '" in message(run_measure, settings, StoreError)


def test_a_function_that_gives_other_names_every_time() -> None:
    found = message(run, config("out", label={"own": "python:careless:new_names"}), AnnotationError)
    assert found.startswith("label own of python:careless:new_names: expected every name among 1, 2, 3, _, found 4, 5")
    assert found.endswith("or take a function that gives a sentence the same names every time")


def test_a_run_that_was_killed_while_names_were_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    settings = config("out", label={"own": "word.misc.Animacy"})
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Worker, "count", stop)
        run_annotate(settings, QUIET)
        run_measure(settings, QUIET)
    facts = run_measure(settings, QUIET)
    assert facts["store"]["schema"]["names"]["own"] == ["no", "none", "yes", "_"]


def test_names_that_are_too_many_or_too_long_are_the_rest_and_the_run_says_so(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"n{number}" if number else "x" * 300 for number in range(203)]
    lines = [f"{n + 1}\tw\tw\tX\t_\t_\t{n}\tdep\t_\tId={own}" for n, own in enumerate(words)]
    (desk / "many.conllu").write_text("\n".join(lines) + "\n")
    say = Reporter(quiet=False, console=Console(stderr=True, width=10_000))
    facts = annotate_and_measure(config("out", corpus="many.conllu", label={"own": "word.misc.Id"}), say)
    assert facts["names_in_rest"] == {"own": 3}
    assert "the label own has 3 rarer or longer names, which are measured as _rest" in capsys.readouterr().err
    names = facts["store"]["schema"]["names"]["own"]
    assert len(names) == 202 and names[-2:] == ["_rest", "_"] and all(len(own) < 5 for own in names[:200])


# What is kept


def test_annotations_keep_what_was_asked_for_once(desk: Path, with_entities: str) -> None:
    (desk / "a.txt").write_text("She lives in Paris.")

    def annotated(**label: str) -> frozenset[str]:
        settings = config("out", corpus="a.txt", annotator=with_entities, annotations="kept", label=label)
        run_annotate(settings, QUIET)
        (path,) = (desk / "kept").glob("*.parquet")
        return cache.read_columns(locate(path))

    assert "entity" not in annotated()
    assert "entity" in annotated(own="word.entity")
    Token.set_extension("fruit", default="none", force=True)
    try:
        assert {"entity", "ext.fruit"} <= annotated(own="word.ext.fruit")
    finally:
        Token.remove_extension("fruit")
    assert {"entity", "ext.fruit"} <= annotated()
    facts = run_measure(config("out", corpus="a.txt", annotator=with_entities, annotations="kept"), QUIET)
    assert facts["store"]["schema"]["names"]["entity"] == ["GPE", "O", "_"]


def test_a_run_that_was_begun_with_entities_parses_them_again(
    desk: Path, with_entities: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Worker.measure

    def stop(worker: Worker, shard: Shard, *arguments: Any) -> Effort:
        if shard.index:
            raise KeyboardInterrupt
        return real(worker, shard, *arguments)

    (desk / "a.txt").write_text("She lives in Paris.")
    (desk / "b.txt").write_text("Paris is old.")
    options = {"corpus": ["a.txt", "b.txt"], "annotator": with_entities, "shard_characters": 5}
    run_annotate(config("out", label={"own": "word.entity"}, **options), QUIET)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Worker, "measure", stop)
        run_measure(config("out", **options), QUIET)
    for path in (desk / "out" / "annotations").glob("*.parquet"):
        path.unlink()
    assert run(config("out", **options), QUIET)["status"] == "finished"
    assert tuple(attnmetrics.load("out")["entity"].values) == ("GPE", "O", "_")


@pytest.fixture(scope="module")
def with_entities(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the package's pipeline with a rule for entities."""
    import spacy

    pipeline = spacy.load(PIPELINES["en_ud_core"])
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": "Paris"}])  # type: ignore[attr-defined]
    folder = tmp_path_factory.mktemp("pipeline")
    pipeline.to_disk(folder)
    return str(folder)
