"""Results by the values of a field of documents: each value's are those of a run over its documents alone."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
from rich.console import Console
from treebanks import SENTENCE

import attnmetrics
from attnmetrics.config import RunConfig, build_config
from attnmetrics.corpus.values import MOST_VALUES
from attnmetrics.errors import ConfigError, CorpusError, StoreError
from attnmetrics.results.dataset import dataset
from attnmetrics.running.driver import run, run_annotate, run_measure
from attnmetrics.running.measured import Measured
from attnmetrics.running.merging import merge_run
from attnmetrics.running.plan import make_plan
from attnmetrics.running.progress import Reporter
from attnmetrics.running.splitting import merge_by
from attnmetrics.storage import locate
from attnmetrics.store.merge import merge, merge_states
from attnmetrics.store.shards import Store
from attnmetrics.views.terminal.by import show_by, show_by_metric, show_value

pytestmark = pytest.mark.usefixtures("loaded_once")

QUIET = Reporter(quiet=True)
WORDS = ("river", "house", "city", "war", "king", "bridge", "song", "sea", "hill")
GENRES = ("news", "speech", "")
FIELD = "meta::genre"


def write_treebank(path: Path, genres: tuple[str, ...] = GENRES, documents: int = 9) -> Path:
    """Documents whose genres take turns, of one to three sentences; those of some genres alone."""
    parts = []
    for number in range(documents):
        genre = GENRES[number % 3]
        if genre in genres:
            line = f"# {FIELD} = {genre}\n" * bool(genre) + f"# half = {number // 5}\n"
            sentences = "".join(SENTENCE.format(word=WORDS[(number * 2 + n) % 9]) for n in range(1 + number % 4))
            parts.append(f"# newdoc id = d{number}\n{line}{sentences}")
    path.write_text("".join(parts))
    return path


def config(folder: Path, corpus: Path, **options: Any) -> RunConfig:
    values = {"model": "demo", "corpus": str(corpus), "out": folder, "by": FIELD, "exemplars": 1, "drawn_exemplars": 0}
    return build_config({**values, "engine": "inline", "layers": "1", "shard_characters": 500, **options})


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run that is split, whose shards hold documents of several genres; runs here have no page, which takes long."""
    folder = tmp_path_factory.mktemp("split")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *_: None)
        facts = run(config(folder / "run", write_treebank(folder / "gum.conllu")), QUIET)
        assert facts["corpus"]["shards"] > 2
        assert facts["corpus"]["by"] == {FIELD: {"news": 3, "speech": 3, "(none)": 3}}
        yield folder / "run"


def measure(settings: RunConfig) -> Measured:
    """What is measured of a run, not merged."""
    run_annotate(settings, QUIET)
    facts = run_measure(settings, QUIET)
    store = Store.described(settings.out, facts["store"])
    return Measured(store, list(store.committed().values()), *[None] * 3)  # type: ignore[arg-type]


def results_of(measured: Measured) -> xr.Dataset:
    return dataset(measured.store.schema, merge(measured.store, measured.commits, 20_000))


def parts_of(folder: Path) -> tuple[np.ndarray, list[list[np.ndarray]]]:
    """The state of a run, and by shard those of its values."""
    facts = json.loads((folder / "run.json").read_text())
    store = Store.described(locate(folder), facts["store"])
    commits = list(store.committed().values())
    parts = [
        [store.read_part(commit, (0, value)).state.pack() for value in range(3) if store.has_part(commit, (0, value))]
        for commit in commits
    ]
    return merge_states(store, commits).pack(), parts


def test_states_of_values_add_up_to_that_of_the_run(split: Path) -> None:
    whole, parts = parts_of(split)
    assert len(parts) > 2 and max(map(len, parts)) > 1
    np.testing.assert_allclose(sum(np.sum(shard, axis=0) for shard in parts), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("genre", ["news", ""])
def test_a_value_has_the_results_of_a_run_over_its_documents(split: Path, tmp_path: Path, genre: str) -> None:
    alone = config(tmp_path / "alone", write_treebank(tmp_path / "one.conllu", (genre,)), by=[], shard_characters=10**6)
    found = attnmetrics.load_by(split, FIELD)
    assert found["entropy"].dims == (FIELD, "layer", "head")
    assert_same(found.sel({FIELD: genre or "(none)"}, drop=True), results_of(measure(alone)))
    assert not np.allclose(found["pos_to"][0], found["pos_to"][1], equal_nan=True)


def assert_same(found: xr.Dataset, expected: xr.Dataset) -> None:
    """All results are close, at the labels that both have: α is float32, and rounded as its batch has it."""
    assert set(found.data_vars) == set(expected.data_vars)
    one, other = xr.align(found, expected, join="inner")
    assert one.sizes["pos"] > 3
    for name, table in other.data_vars.items():
        np.testing.assert_allclose(one[name], table, rtol=1e-5, atol=2e-6, equal_nan=True, err_msg=str(name))


def test_other_shards_and_two_fields_give_the_same_results(split: Path, tmp_path: Path) -> None:
    settings = config(tmp_path / "run", split.parent / "gum.conllu", shard_characters=1500, by=["half", FIELD])
    measured = measure(settings)
    assert 1 < measured.store.shards != json.loads((split / "run.json").read_text())["corpus"]["shards"]
    half, genre = merge_by(measured, settings, np.ones(measured.store.shards, bool))
    assert_same(genre.results, attnmetrics.load_by(split, FIELD))
    assert half.results["sentences"].values.sum() == results_of(measured)["sentences"]


@pytest.mark.cluster
def test_ray_and_threads_give_the_bits_of_inline(split: Path, tmp_path: Path, ray_session: None) -> None:
    run(config(tmp_path / "ray", split.parent / "gum.conllu", engine="ray", workers=2, threads=3), QUIET)
    assert outputs(tmp_path / "ray") == outputs(split)


def outputs(folder: Path) -> dict[str, str]:
    """The digests of what a merge wrote."""
    found: dict[str, str] = json.loads((folder / "run.json").read_text())["outputs"]
    assert {"by_meta_genre.zarr", "intervals_by_meta_genre.zarr"} <= set(found)
    return found


def test_what_is_gone_is_merged_again_and_another_field_is_another_run(split: Path, tmp_path: Path) -> None:
    before, corpus = outputs(split), split.parent / "gum.conllu"
    (split / "values" / "0-1").rename(tmp_path / "values")
    with pytest.raises(StoreError, match=r"values.0-1|damaged"):
        merge_run(locate(split), QUIET)
    (tmp_path / "values").rename(split / "values" / "0-1")
    run(config(split, corpus), QUIET)
    assert outputs(split) == before
    with pytest.raises(StoreError, match="by:"):
        run(config(split, corpus, by=[]), QUIET)
    changed = corpus.read_text()
    corpus.write_text(changed.replace("= news", "= blog"))
    with pytest.raises(StoreError, match="values of the fields of --by"):
        run(config(split, corpus), QUIET)
    corpus.write_text(changed)


def test_tables_and_terminal_show_values(split: Path) -> None:
    heads = pd.read_csv(split / "tables" / "by_meta_genre" / "heads.csv")
    data = attnmetrics.load_by(split, FIELD, with_intervals=True)
    assert list(heads.columns[:3]) == [FIELD, "layer", "head"] and len(heads) == 18
    np.testing.assert_allclose(heads["entropy"], data["entropy"].to_numpy().ravel())
    texts = [
        show_by(data),
        show_by_metric(data, "pos_to", "NOUN", (None, None), 3),
        show_by_metric(data, "entropy", None, (1, 2), 3),
        show_value(data, "speech", "entropy", None, (None, None), 3),
    ]
    console = Console(width=200, record=True, file=StringIO())
    console.print(*texts, sep="\n")
    shown = console.export_text()
    assert f"{100 * float(data['pos_to'].sel(pos='NOUN')[0].mean()):.0f}%" in shown
    assert "(none)" in shown and "farthest apart" in shown and "expected 8 shards or more" in shown
    with pytest.raises(ConfigError, match="--label"):
        show_by_metric(data, "pos_to", None, (None, None), 3)


def test_values_are_compared(split: Path) -> None:
    found = attnmetrics.compare(split, by={FIELD: ["speech", "news"]})
    by = attnmetrics.load_by(split, FIELD)["entropy"]
    assert found["run"].values.tolist() == ["speech", "news"] and not found["paired"][1]
    np.testing.assert_allclose(found["entropy_difference"][1], by[0] - by[1])
    for wrong, said in ({FIELD: ["speech"]}, "two values"), ({FIELD: ["speech", "new"]}, "mean 'news'"), ("x", "split"):
        with pytest.raises(ConfigError, match=said):
            attnmetrics.compare(split, by=wrong)  # type: ignore[arg-type]


# ---- fields


def planned(path: Path, field: str, **options: Any) -> dict[str, int]:
    counts = make_plan(config(path.parent / "run", path, by=field, **options)).by
    return dict(counts[field])


def write_lines(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps({"text": "a b", **record}) + "\n" for record in records))
    return path


def test_values_of_json_lines_and_parquet(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"year": 1900, "meta": {"kind": "  a\n b "}}, {"year": 800, "meta": None}, {"year": None, "meta": {"kind": ""}},
        {"year": 1900.0}, {"year": float("nan")},
    ]  # fmt: skip
    lines = write_lines(tmp_path / "a.jsonl", records)
    assert list(planned(lines, "year").items()) == [("800", 1), ("1900", 2), ("(none)", 2)]
    assert planned(lines, "meta.kind") == {"a b": 1, "(none)": 4}
    pq.write_table(pa.Table.from_pylist([{"text": "a", "ok": True}, {"text": "b", "ok": None}]), tmp_path / "b.parquet")
    assert planned(tmp_path / "b.parquet", "ok") == {"true": 1, "(none)": 1}


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([{"genre": "a"}], "first document has text, genre"),
        ([{"f": None}], "none that has anything in it"),
        ([{"f": f"v{n}"} for n in range(MOST_VALUES + 1)] + [{}], "found 21 in 22 documents: v0 \\(1\\)"),
        ([{"f": f"v{n}"} for n in range(1100)], "found more than 1,000"),
        ([{"f": 0.5}], "line 1: expected text or a whole number .* the number 0.5"),
        ([{"f": "a"}, {"f": ["a"]}], "line 2: .* found a list"),
        ([{"f": {"a": 1}}], "found an object"),
        ([{"f": "x" * 101}], "at most 100 characters"),
    ],
)
def test_fields_that_cannot_be_split_by_are_refused(tmp_path: Path, records: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        planned(write_lines(tmp_path / "a.jsonl", records), "f", shard_characters=10)


def test_plain_text_has_no_fields(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A b.")
    with pytest.raises(CorpusError, match="plain text, which has no fields"):
        planned(tmp_path / "a.txt", "f")


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("layer", "name of a dimension"),
        ("pos", "label"),
        ("entropy", "result"),
        (["a b", "a::b"], "names of their own"),
    ],
)
def test_fields_named_as_something_else_are_refused(tmp_path: Path, by: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run(config(tmp_path / "run", write_lines(tmp_path / "a.jsonl", [{"layer": "a"}]), by=by), QUIET)


@pytest.mark.parametrize("by", ["a/b", " ", ["a", "a"]])
def test_names_that_are_none_are_refused(tmp_path: Path, by: object) -> None:
    with pytest.raises(ConfigError, match="by: expected"):
        config(tmp_path, tmp_path, by=by)
