"""The report as a page: what it holds, that it asks nobody for anything, that text stays text."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_array_equal
from synthetic import HOSTILE, dataset, exemplars, facts

from attnmetrics.errors import StoreError
from attnmetrics.statistics import schema
from attnmetrics.storage import locate
from attnmetrics.views import figures, paper, report
from attnmetrics.views.facts import duration, left_out
from attnmetrics.views.heads import percent, standouts
from attnmetrics.views.maps import CELL, small_map
from attnmetrics.views.pieces import Piece
from attnmetrics.views.report import Segment, render, segments, write_report

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """A page's elements and text; checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def text(self, tag: str) -> str:
        return " ".join(self.texts.get(tag, []))


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return dataset(4, 3, nan_heads=((2, 1),))


@pytest.fixture(scope="module")
def page(data: xr.Dataset) -> str:
    return render(data, exemplars(data), facts())


@pytest.fixture(scope="module")
def hostile() -> str:
    data = dataset(2, 2, pos=(HOSTILE, "</svg><script>x</script>", "_"), rel=("]]><script>", "'\"><img src=x>", "_"))
    bad = {HOSTILE: HOSTILE, "model": {"name": "</title><script>alert(1)</script>"}, "left_out": {HOSTILE: 3}}
    return render(data, exemplars(data, hostile=True), facts() | {"configuration": {}} | bad)


def test_the_page_shows_the_runs_facts(page: str) -> None:
    parsed = Page(page)
    assert "demo" in parsed.text("h1")
    for shown in ("4 × 3", "321", "8,901", "27.7", "8.5 s", "12"):
        assert shown in parsed.texts["dd"]
    for name, value in left_out(dataset(1, 1), facts()):
        assert f"{name} <b>{value}</b>" in unescape(page)
    assert "corpus.documents" in parsed.texts["th"]


def test_every_figure_is_on_the_page(page: str, data: xr.Dataset) -> None:
    drawn = [element for tag, element in Page(page).elements if tag == "figure"]
    assert [element["id"] for element in drawn] == [panel.key for panel in figures.panels(data)]
    for number in ("4", "5", "6", "7", "8", "9", "10", "11", "12", "A.1", "A.2"):
        assert f"Figure {number}<" in page
    for panel in figures.panels(data):
        assert panel.help.replace("'", "&#39;") in page


def test_figures_have_their_formula(page: str) -> None:
    text = Page(page).text("p")
    for name in ("null_attention", "pos_to", "dependency_alignment", "variability", "distance", "entropy"):
        assert next(result.formula for result in schema.RESULTS if result.name == name) in text


def test_every_tag_has_its_two_maps(page: str, data: xr.Dataset) -> None:
    for tag in data["pos"].values.tolist():
        assert f"<b>Attention to {tag}</b>" in page
        assert f"<b>Attention from {tag}</b>" in page


def test_a_small_map_shows_the_table(data: xr.Dataset) -> None:
    table = data["pos_to"].sel(pos="NOUN")
    layers = data["pos_to_by_layer"].sel(pos="NOUN")
    drawn = small_map(table, layers, "x")
    seen = np.full(table.shape, np.nan)
    for colour, path in drawn.cells:
        for x, y in re.findall(r"M([\d.]+) ([\d.]+)", path):
            level = np.nan if colour == "--no-evidence" else float(colour.removeprefix("--share"))
            seen[int((float(y) - 4) / CELL), int((float(x) - 24) / CELL)] = level
    assert_array_equal(seen, np.minimum(np.floor(table.values / np.nanmax(table.values) * 64), 63))
    assert [row.size for row in drawn.rows] == pytest.approx((layers / layers.max() * 120).values.tolist())
    assert [row.text for row in drawn.rows] == [percent(value) for value in layers.values.tolist()]
    assert percent(float(table.max())) in drawn.note


def test_heads_that_stand_out_lead_to_their_sentences(page: str, data: xr.Dataset) -> None:
    anchors = {element["id"] for _, element in Page(page).elements if "id" in element}
    links = {element["href"] for tag, element in Page(page).elements if tag == "a"}
    assert {f"#head-{one.layer}-{one.head}" for one in standouts(data)} <= links
    assert {link.removeprefix("#") for link in links} <= anchors


def test_ids_are_unique_and_references_lead_somewhere(page: str) -> None:
    ids = [element["id"] for _, element in Page(page).elements if "id" in element]
    assert len(ids) == len(set(ids))
    references = re.findall(r"url\(#([^)]*)\)", page) + re.findall(r'xlink:href="#([^"]*)"', page)
    assert references
    assert set(references) <= set(ids)


def test_correlations_and_the_papers_numbers_are_on_the_page(page: str, data: xr.Dataset) -> None:
    cells = Page(page).texts["td"]
    assert {"0.610", "−0.730", "p < 0.001"} <= set(cells)
    for row in paper.compare(data):
        assert row.claim.published in cells
        assert row.text in cells


def test_exemplars_mark_the_pair(page: str, data: xr.Dataset) -> None:
    frame = exemplars(data)
    row = frame[(frame["layer"] == 0) & (frame["head"] == 0) & (frame["rank"] == 1)].iloc[0]
    words = row["text"].split(" ")
    block = page.split('id="head-0-0"')[1].split("</li>")[0]
    assert f'<mark class="from">{words[row["i"]]}</mark>' in block
    assert f'<mark class="to">{words[row["j"]]}</mark>' in block
    assert re.sub(r"<[^>]*>", "", block.split('dir="auto">')[1].split("</p>")[0]) == row["text"]
    assert "d1.txt, sentence 1" in block


def test_segments_keep_the_text_and_tell_the_pair() -> None:
    pieces = [Piece("un", False), Piece("do", False), Piece("it", True), Piece("now", True)]
    assert segments(pieces, 2, 1) == [
        Segment("un", ""), Segment("do", "to"), Segment(" ", ""), Segment("it", "from"), Segment(" now", ""),
    ]  # fmt: skip
    assert [part.kind for part in segments(pieces, 0, 0)] == ["both", ""]
    long = segments([Piece("a", True)] * 500, 499, 0)
    assert sum(part.text.count("a") for part in long) <= 90
    assert [part.kind for part in long if part.kind] == ["to", "gap", "from"]


def test_the_page_asks_nobody_for_anything(page: str, hostile: str) -> None:
    for text in (page, hostile):
        parsed = Page(text)
        assert not parsed.tags() & {
            "script",
            "link",
            "iframe",
            "object",
            "embed",
            "form",
            "base",
            "img",
            "audio",
            "video",
        }
        assert "http:" not in text and "https:" not in text and "@import" not in text
        assert re.findall(r"url\((?!#)", text) == []
        for tag, element in parsed.elements:
            assert not [name for name in element if name.startswith("on")], tag
            for name in ("href", "xlink:href", "src"):
                assert element.get(name, "#").startswith(("#", "data:image/png"))


def test_a_policy_forbids_scripts_and_requests(page: str) -> None:
    (policy,) = [
        element["content"]
        for tag, element in Page(page).elements
        if tag == "meta" and element.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert set(rules) == {"default-src", "style-src", "img-src", "base-uri", "form-action"}
    head = page.split("</head>")[0]
    assert head.index("Content-Security-Policy") < head.index("<style")


def test_hostile_text_stays_text(hostile: str) -> None:
    parsed = Page(hostile)
    assert "<script" not in hostile
    assert "<img" not in hostile
    assert "<script>alert(1)</script>" in parsed.text("title")
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", hostile)
    assert "␛[31m" in parsed.text("p")
    assert "$a_b$" in parsed.text("p")
    assert "שלום" in parsed.text("td")
    hostile.encode("utf-8")


def test_numbers_in_figures_are_whole(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["distance_alignment_p"][...] = 0.0894
    assert "p = 0.089" in str(report._svg(figures.correlations(changed), "x", "x"))


def test_text_in_figures_is_left_as_it_is() -> None:
    label = 'id="x" #1c2733 1.2345'
    data = dataset(2, 2, rel=(label, "_"))
    assert f">{label}</text>" in unescape(str(report._svg(figures.dependency_types(data), "x", "x")))


def test_colours_follow_the_theme(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    body = page.split("</style>")[1]
    assert set(re.findall(r"#[0-9a-f]{6}\b", body)) == set()
    used = set(re.findall(r"var\((--[\w-]+)\)", page))
    light, dark = page.split(":root {")[1:3]
    for theme in (light, dark.split("}")[0]):
        assert used - {"--width"} <= set(re.findall(r"(--[\w-]+):", theme))


def test_the_same_run_gives_the_same_page(page: str, data: xr.Dataset) -> None:
    assert render(data, exemplars(data), facts()) == page


def test_a_page_of_144_heads_and_50_exemplars_stays_light() -> None:
    data = dataset(12, 12)
    assert len(render(data, exemplars(data, 50), facts()).encode()) < 4_000_000


def test_one_head_and_no_evidence_make_a_page() -> None:
    one = dataset(1, 1)
    Page(render(one, exemplars(one), {}))
    nothing = one.assign({name: table * np.nan for name, table in one.data_vars.items()})
    page = Page(render(nothing, exemplars(one).iloc[:0], {"model": None}))
    assert "No head has evidence in this run." in page.text("li")
    assert "No sentence" in page.text("li")


def test_many_heads_become_pictures_on_a_light_ground() -> None:
    data = dataset(24, 25, pos=tuple(f"T{n}" for n in range(12)))
    svg = str(report._svg(figures.all_pos_to(data), "x", "x"))
    assert "data:image/png;base64," in svg
    assert "var(--share" not in svg


def test_the_report_is_written_whole_or_not_at_all(
    data: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "render", lambda *_: "first é")
    path = tmp_path / "report" / "index.html"
    write_report(data, exemplars(data), pd.DataFrame(), facts(), locate(tmp_path / "report"))
    assert path.read_text(encoding="utf-8") == "first é"
    monkeypatch.setattr(report, "render", lambda *_: "\ud800")
    with pytest.raises(UnicodeEncodeError):
        write_report(data, exemplars(data), pd.DataFrame(), facts(), locate(tmp_path / "report"))
    assert path.read_text(encoding="utf-8") == "first é"
    assert [one.name for one in path.parent.iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(
    data: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "render", lambda *_: "page")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="attnmetrics merge"):
        write_report(data, exemplars(data), pd.DataFrame(), facts(), locate(tmp_path / "file" / "report"))


# ---- the paper's numbers


def numbers(data: xr.Dataset) -> dict[str, paper.Row]:
    return {row.claim.name: row for row in paper.compare(data)}


def test_counterparts_come_from_the_tables(data: xr.Dataset) -> None:
    rows = numbers(data)
    noun = data["pos_to"].sel(pos="NOUN").values
    distance = data["distance"].values
    expected = {
        "null_mean": data["null_attention"].values.mean(),
        "pieces_per_sentence": float(data["pieces_per_sentence"]),
        "noun_top": np.nanmax(noun),
        "noun_mean": np.nanmean(noun),
        "alignment_top": np.nanmax(data["dependency_alignment"].sel(direction="either").values),
        "variability_low": np.nanmin(data["variability"].values),
        "dependency_at_5": float(data["dependency_probability"].sel(pair_distance=5)),
        "dependency_within_18": float(data["dependency_within_18"]),
        "distance_top": np.nanmax(distance),
        "distance_top_entropy": data["entropy"].values.ravel()[np.nanargmax(distance)],
        "distance_sd": 3.6,
        "distance_entropy_r": 0.61,
    }
    for name, value in expected.items():
        assert rows[name].numbers[0] == pytest.approx(float(value), rel=1e-12), name
    assert rows["distance_alignment_r"].text == "−0.73"


def test_layers_of_the_top_heads(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["pos_to"].loc[{"pos": "PROPN"}] = 0.01
    changed["pos_to"].loc[{"pos": "PROPN", "layer": 3}] = 0.5
    changed["pos_to"].loc[{"pos": "PROPN", "layer": 1, "head": [0, 2]}] = 0.4
    row = numbers(changed)["propn_layers"]
    assert row.numbers == (1, 1, 3, 3, 3)
    assert row.text == "layers 1, 1, 3, 3, 3 (the last is 3)"


def test_tags_with_a_head_of_more_than_double_the_mean() -> None:
    data = dataset(1, 3, pos=("A", "B", "C", "_"))
    data["pos_to"][...] = [[[0.7, 0.1, 0.0, 0.2], [0.1, 0.5, 0.0, 0.4], [0.1, 0.5, 0.0, 0.4]]]
    assert numbers(data)["specialised_to"].numbers == (1, 2)


def test_depth_compares_the_halves_of_the_model(data: xr.Dataset) -> None:
    changed = data.copy(deep=True)
    changed["dependency_type_to_by_layer"].loc[{"rel": "nsubj"}] = [0.1, 0.1, 0.1, 0.3]
    assert numbers(changed)["subject_depth"].numbers[0] == pytest.approx(2.0)


def test_what_a_run_cannot_give_is_said() -> None:
    data = dataset(1, 2, pos=("NN", "_"), rel=("a", "_"), first_layer=3)
    rows = numbers(data)
    assert not rows["noun_top"].given
    assert rows["noun_top"].text == "the run has no pos_to of NOUN"
    assert rows["alignment_layer_0"].text == "layer 0 was not measured"
    assert rows["subject_depth"].text == "one layer has no depth"
    absent = dataset(2, 2)
    absent["pos_to"].loc[{"pos": "NOUN"}] = 0
    assert numbers(absent)["noun_mean"].text == "no piece of this corpus is tagged NOUN"


def test_a_run_without_evidence_has_no_counterparts() -> None:
    data = dataset(2, 2)
    nothing = data.assign({name: table * np.nan for name, table in data.data_vars.items()})
    assert [row.claim.name for row in paper.compare(nothing) if row.given] == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.5, "0.5 s"), (61, "61 s"), (3000, "50 min 0 s"), (9000, "2 h 30 min")]
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text
