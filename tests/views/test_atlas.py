"""What the atlas' page holds: tables bit for bit, sentences and their rows, text as text, nothing from outside."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from pages import page_data, page_sentences
from synthetic import ANIMACY, HOSTILE, attention, dataset, exemplars, facts, made_up

from attnmetrics.errors import StoreError
from attnmetrics.storage import locate
from attnmetrics.views.atlas import page as atlas
from attnmetrics.views.atlas.page import contents, render, write_report
from attnmetrics.views.atlas.sentence_book import STEPS
from attnmetrics.views.facts import about, flat, labels_from, model_name
from attnmetrics.views.heads import standouts
from attnmetrics.views.papers.claims import compare
from attnmetrics.views.papers.vig_belinkov_2019 import VIG_BELINKOV
from attnmetrics.views.tables import of_corpus, of_heads

NOTHING = attention(exemplars(dataset(1, 1)).iloc[:0])


class Page(HTMLParser):
    """A page's elements and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.title = ""
        self._held = page_data(text)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script" and data.strip():
            self.scripts.append(data)
        if self.elements and self.elements[-1][0] == "title":
            self.title += data

    @property
    def data(self) -> Any:
        return self._held[0]

    def array(self, place: tuple[int, int], kind: str) -> NDArray[Any]:
        """One of its arrays, at [first byte, number of bytes]."""
        start, length = place
        return np.frombuffer(self._held[1][start : start + length], kind)


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return dataset(4, 3, nan_heads=((2, 1),))


@pytest.fixture(scope="module")
def frame(data: xr.Dataset) -> pd.DataFrame:
    return exemplars(data)


@pytest.fixture(scope="module")
def page(data: xr.Dataset, frame: pd.DataFrame) -> str:
    return render(data, frame, attention(frame), facts())


@pytest.fixture(scope="module")
def hostile() -> str:
    data = dataset(2, 2, pos=(HOSTILE, "</script><script>x</script>", "_"), rel=("]]><script>", "'\"><img src=x>", "_"))
    bad = {HOSTILE: HOSTILE, "model": {"name": "</title><script>alert(1)</script>"}, "left_out": {HOSTILE: 3}}
    return render(data, exemplars(data, hostile=True), NOTHING, facts() | {"configuration": {}} | bad)


def test_every_table_is_in_the_page_bit_for_bit(data: xr.Dataset, page: str) -> None:
    parsed = Page(page)
    metrics = {metric["name"]: metric for metric in parsed.data["metrics"]}
    assert list(metrics) == list(of_heads(data))
    for name, metric in metrics.items():
        assert_array_equal(parsed.array(metric["values"], "<f8"), data[name].values.ravel().astype(float), err_msg=name)
        twin = data[f"{name}_by_layer"].values.ravel() if f"{name}_by_layer" in data else np.nan
        by_layer = parsed.array(metric["by_layer"], "<f8")
        assert_array_equal(by_layer, np.broadcast_to(twin, by_layer.shape).astype(float))
        labels = product(*(map(str, data[dim].values) for dim in data[name].dims[2:]))
        assert metric["labels"] == ([", ".join(one) for one in labels] if metric["dim"] else [])
        assert metric["help"]
        assert (metric["unit"], metric["formula"]) == (data[name].attrs["units"], data[name].attrs["formula"])
    assert (metrics["pos_to"]["kind"], metrics["pos_to"]["heading"]) == ("share", "Attention to {}")
    assert metrics["dependency_type_to"]["dim_title"] == "Dependency relation"
    corpus = {table["name"]: table for table in parsed.data["corpus"]}
    assert list(corpus) == [name for name in of_corpus(data) if not re.fullmatch(r"distance_\w+_[rp]", name)]
    for name, table in corpus.items():
        assert_array_equal(parsed.array(table["values"], "<f8"), data[name].values.ravel().astype(float), err_msg=name)
        labels = product(*(map(str, data[dim].values) for dim in data[name].dims))
        assert table["labels"] == ([", ".join(one) for one in labels] if table["dim"] else [])
    assert corpus["dependency_at_offset"]["dim"] == "direction, offset"
    assert corpus["dependency_baseline"]["dim"] == "direction"


def test_tables_never_heard_of_are_in_the_page_with_their_chance() -> None:
    data = made_up()
    parsed = Page(render(data, exemplars(data), NOTHING, {}))
    found = parsed.data
    metrics, corpus = ({one["name"]: one for one in found[part]} for part in ("metrics", "corpus"))
    assert list(metrics) == ["sparkle", "sparkle_expected", "animacy_to", "rule_accuracy", "<i>loud", "unsaid"]
    for name, metric in metrics.items():
        assert_array_equal(parsed.array(metric["values"], "<f8"), data[name].values.ravel())
    to = metrics["animacy_to"]
    assert (to["kind"], to["dim"], to["dim_title"]) == ("share", "animacy", "Animacy of the noun")
    assert (to["labels"], to["chance"], to["family"]) == (list(ANIMACY), "animacy_to_uniform", "Animacy")
    assert_array_equal(parsed.array(to["by_layer"], "<f8"), data["animacy_to_by_layer"].values.ravel())
    assert_array_equal(parsed.array(corpus[to["chance"]]["values"], "<f8"), data["animacy_to_uniform"].values)
    assert (metrics["sparkle"]["unit"], metrics["sparkle"]["chance"]) == ("stars", "sparkle_expected")
    assert metrics["rule_accuracy"]["labels"][:2] == ["row, human", "row, <b>thing</b>"]
    assert metrics["<i>loud"]["title"] == "<i>Loud</i> [red]x[/red] ␛[31m"
    unsaid = metrics["unsaid"]
    assert [unsaid[key] for key in ("title", "kind", "unit", "heading", "dim", "chance")] == [
        "unsaid", "score", "1", None, None, None,
    ]  # fmt: skip
    assert_array_equal(parsed.array(unsaid["by_layer"], "<f8"), [np.nan, np.nan])
    assert corpus["rule_edges"]["labels"][4:6] == ["column, human", "column, <b>thing</b>"]
    assert (corpus["sparkles"]["kind"], corpus["sparkles"]["dim"]) == ("count", None)
    assert (found["figures"], found["correlations"], found["standouts"], found["extremes"]) == ([], [], [], [])
    assert {row["given"] for row in found["papers"][0]["rows"]} == {False}


def test_what_stands_out_and_the_papers_numbers(data: xr.Dataset, page: str) -> None:
    found = Page(page).data
    expected = [(one.role.title, one.layer, one.head, one.value, one.median) for one in standouts(data)]
    keys = ("title", "layer", "head", "value", "median")
    assert [tuple(one[key] for key in keys) for one in found["standouts"]] == expected
    assert [row["found"] for row in found["papers"][0]["rows"]] == [row.text for row in compare(VIG_BELINKOV, data)]
    assert [(one["r"], one["p"]) for one in found["correlations"]] == [(0.61, 1e-9), (-0.73, 1e-12)]
    assert [figure[0] for figure in found["figures"]] == ["4", "5", "6", "7", "8", "9", "10", "11", "12", "A.1", "A.2"]


def test_exemplars_and_the_attention_in_them(data: xr.Dataset, frame: pd.DataFrame, page: str) -> None:
    parsed = Page(page)
    found = parsed.data
    rows, sentences = found["sentences"]["rows"], page_sentences(page)
    lengths, to, weights = (parsed.array(rows[name], "<u2") for name in ("lengths", "to", "weights"))
    row = entry = 0
    expected = {(one.layer, one.head, one.rank): one for one in attention(frame).itertuples()}
    seen = 0
    for place, listed in enumerate(sentences["exemplars"]):
        layer, head = divmod(place, 3)
        own = frame[(frame["layer"] == layer) & (frame["head"] == head)].sort_values("rank")
        assert [one[1:5] for one in listed] == own[["rank", "weight", "i", "j"]].values.tolist()
        for (sentence, rank, _, _, _, drawn), text in zip(listed, own["text"], strict=True):
            source, pieces, spaces = sentences["sentences"][sentence]
            assert source == f"d{rank}.txt, sentence {rank}"
            spelled = "".join(" " * (space == "1") + piece for piece, space in zip(pieces, spaces, strict=True))
            assert spelled == text
            assert (drawn is not None) == (rank <= 5)
            if drawn is None:
                continue
            assert drawn == row
            mine = lengths[row : row + len(pieces)]
            i = np.repeat(np.arange(len(pieces)), mine)
            span = slice(entry, entry + int(mine.sum()))
            one = expected[layer, head, rank]
            assert_array_equal(i, one.i)
            assert_array_equal(to[span], one.j)
            assert_allclose(weights[span] / STEPS, one.weight, rtol=0, atol=0.5 / STEPS + 1e-7)
            row, entry, seen = row + len(pieces), span.stop, seen + 1
    assert (seen, row, entry) == (60, len(lengths), len(to))


def test_missing_shards_are_told(data: xr.Dataset, frame: pd.DataFrame) -> None:
    told = contents(data.assign_attrs(shards_missing="1 of 5"), frame, NOTHING, facts())
    assert (told["missing"], contents(data, frame, NOTHING, facts())["missing"]) == ("1 of 5", None)


def test_a_page_runs_its_one_script_and_asks_nobody_for_anything(page: str, hostile: str) -> None:
    for text in (page, hostile):
        parsed = Page(text)
        (policy,) = [one["content"] for _, one in parsed.elements if one.get("http-equiv") == "Content-Security-Policy"]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        _, script, _ = parsed.scripts
        digest = b64encode(sha256(script.encode()).digest()).decode()
        assert rules == {
            "default-src": "'none'", "script-src": f"'sha256-{digest}'", "style-src": "'unsafe-inline'",
            "img-src": "data: blob:", "base-uri": "'none'", "form-action": "'none'",
        }  # fmt: skip
        assert text.index("Content-Security-Policy") < text.index("<style")
        tags = {tag for tag, _ in parsed.elements}
        assert tags == {"html", "head", "meta", "title", "style", "body", "main", "noscript", "script"}
        kinds = [one.get("type") for tag, one in parsed.elements if tag == "script"]
        assert kinds == ["text/plain", "module", "text/plain"]
        assert not [name for _, one in parsed.elements for name in one if name in ("src", "href") or name[:2] == "on"]
        assert re.findall(r"https?://(?!www\.w3\.org)", script) == []


def test_only_a_served_page_may_ask_its_server(data: xr.Dataset, frame: pd.DataFrame) -> None:
    assert "connect-src 'self'" in render(data, frame, NOTHING, facts(), served=True)
    assert "connect-src" not in render(data, frame, NOTHING, facts())


def test_hostile_text_stays_text(hostile: str) -> None:
    parsed = Page(hostile)
    contents, _, heap = parsed.scripts
    assert all(re.fullmatch(r"[\w+/=]+", held) for held in (contents, heap)), "what pages hold is no markup"
    assert "alert(1)" in parsed.title
    assert hostile.isascii() or not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", hostile)
    shown = json.dumps(parsed.data, ensure_ascii=False)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", shown)
    assert "␛[31m" in shown and "$a_b$" in shown and "שלום" in shown


def test_the_same_run_gives_the_same_page(page: str, data: xr.Dataset, frame: pd.DataFrame) -> None:
    assert render(data, frame, attention(frame), facts()) == page


@pytest.mark.parametrize(
    ("name", "called"), [("/models/smollm2", "smollm2"), ("org/small", "org/small"), ("small", "small")]
)
def test_a_model_is_called_by_its_folder_or_its_name(name: str, called: str) -> None:
    assert model_name({"configuration": {"model": "../models/smollm2"}, "model": {"name": name}}) == called
    assert model_name({"configuration": {"model": name}}) == called
    assert model_name({}) == ""


def test_the_folders_of_a_machine_are_not_told() -> None:
    made = {"configuration": {"model": "/home/me/small", "corpus": ["/home/me/a.txt", "demo"]}, "model": {"heads": 3}}
    assert dict(about(made))["model"] == "small"
    assert dict(about(made))["corpus"] == "…/a.txt, demo"
    assert dict(flat(made))["configuration.model"] == "…/small"
    assert dict(flat(made))["configuration.corpus"] == "…/a.txt, demo"


def test_it_is_told_whose_labels_say_what_is_right() -> None:
    assert labels_from(facts()).startswith(
        "Right and wrong are by the labels of the pipeline en_core_web_sm, not a person's"
    )
    gold = "Right and wrong are by the corpus's own labels."
    assert labels_from({"annotator": {"name": "CoNLL-U (gold)"}}) == gold
    assert labels_from({}) == ""


def test_shares_name_the_counts_that_they_are_of(page: str) -> None:
    counts = {one["name"]: one["counts"] for one in Page(page).data["metrics"] if one["counts"]}
    assert counts == {"relation_accuracy": "relation_edges_attainable"}


def test_a_page_of_144_heads_with_their_sentences_is_light() -> None:
    data = dataset(12, 12)
    frame = exemplars(data, 50).assign(document=lambda rows: [f"d{n}" for n in range(len(rows))])
    page = render(data, frame, attention(frame), facts())
    assert {len(listed) for listed in page_sentences(page)["exemplars"]} == {atlas.MOST_SENTENCES}
    assert len(page.encode()) < 5_000_000


def test_many_or_long_sentences_are_cut_down_rank_by_rank(monkeypatch: pytest.MonkeyPatch, data: xr.Dataset) -> None:
    frame = exemplars(data)
    rows = attention(frame)
    monkeypatch.setattr(atlas, "MOST_WEIGHTS", int(rows[rows["rank"] <= 2]["weight"].map(len).sum()))
    monkeypatch.setattr(atlas, "MOST_CHARACTERS", int(frame[frame["rank"] <= 4]["text"].str.len().sum()))
    listed = json.loads(contents(data, frame, rows, facts())["sentences"]["listed"].content)["exemplars"]
    assert {tuple((one[1], one[5] is not None) for one in ranks) for ranks in listed} == {
        ((1, True), (2, True), (3, False), (4, False))
    }


def test_one_head_and_no_evidence_make_a_page() -> None:
    one = dataset(1, 1)
    Page(render(one, exemplars(one), NOTHING, {}))
    nothing = one.assign({name: table * np.nan for name, table in one.data_vars.items()})
    page = render(nothing, exemplars(one).iloc[:0], NOTHING, {"model": None})
    found = Page(page).data
    assert (found["standouts"], page_sentences(page)["exemplars"], found["extremes"]) == ([], [[]], [])


def test_the_report_is_written_whole_or_not_at_all(
    data: xr.Dataset, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas, "render", lambda *_, **__: "first é")
    path = tmp_path / "report" / "index.html"
    write_report(data, frame, NOTHING, facts(), locate(tmp_path / "report"))
    assert path.read_text(encoding="utf-8") == "first é"
    monkeypatch.setattr(atlas, "render", lambda *_, **__: "\ud800")
    with pytest.raises(UnicodeEncodeError):
        write_report(data, frame, NOTHING, facts(), locate(tmp_path / "report"))
    assert path.read_text(encoding="utf-8") == "first é"
    assert [one.name for one in path.parent.iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(
    data: xr.Dataset, frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas, "render", lambda *_, **__: "page")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="attnmetrics merge"):
        write_report(data, frame, NOTHING, facts(), locate(tmp_path / "file" / "report"))
