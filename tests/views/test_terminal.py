"""What the terminal shows, as text."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from rich.console import Console, RenderableType
from rich.style import Style
from synthetic import dataset, exemplars, facts, made_up

from attnmetrics.errors import ConfigError
from attnmetrics.views import palette
from attnmetrics.views.heads import ranked
from attnmetrics.views.numbers import number, percent, times
from attnmetrics.views.tables import heading, shown
from attnmetrics.views.terminal.exemplars import exemplar_lines, show_exemplars
from attnmetrics.views.terminal.head import show_head
from attnmetrics.views.terminal.metric import show_metric
from attnmetrics.views.terminal.status import show_status
from attnmetrics.views.terminal.summary import summary


def text(renderable: RenderableType, width: int = 140) -> str:
    console = Console(width=width, record=True, force_terminal=True, color_system="truecolor", file=_Sink())
    console.print(renderable)
    return console.export_text()


def ansi(renderable: RenderableType) -> str:
    sink = _Sink()
    Console(width=140, force_terminal=True, color_system="truecolor", file=sink).print(renderable)
    return "".join(sink.parts)


class _Sink:
    encoding = "utf-8"

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, part: str) -> int:
        self.parts.append(part)
        return len(part)

    def flush(self) -> None:
        pass


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return dataset(4, 3)


def test_the_summary_names_the_head_and_its_value(data: xr.Dataset) -> None:
    shown_text = text(summary(data, facts()))
    table = data["null_attention"]
    layer, head = np.unravel_index(int(np.argmax(table.values)), table.shape)
    line = next(line for line in shown_text.splitlines() if line.startswith("most null attention"))
    assert f"layer {layer} head {head}" in line
    assert percent(float(table.max())) in line
    assert "blank sentences (2)" in shown_text


def test_the_summary_has_a_line_for_each_question_and_stays_short(data: xr.Dataset) -> None:
    shown_text = text(summary(data, facts()))
    for title in (
        "most null attention", "along dependencies", "most local", "most distant", "most diffuse", "sharpest",
        "previous piece", "own piece", "nouns", "proper nouns", "determiners", "verbs", "punctuation",
    ):  # fmt: skip
        assert title in shown_text
    assert len(shown_text.splitlines()) < 24
    assert max(len(line) for line in text(summary(data, facts()), 80).splitlines()) <= 80


def test_the_summary_of_a_run_without_evidence_says_so() -> None:
    data = dataset(1, 1)
    nothing = data.assign({name: table * np.nan for name, table in data.data_vars.items()})
    assert "no head has evidence" in text(summary(nothing, {}))


def test_a_metric_lists_the_top_heads_in_order(data: xr.Dataset) -> None:
    lines = text(show_metric(data, "distance", top=2)).splitlines()
    order = np.argsort(-data["distance"].values.ravel())
    first = next(line for line in lines if line.startswith("1 "))
    assert f"layer {order[0] // 3} head {order[0] % 3}" in first
    assert shown(data["distance"], float(data["distance"].max())) in first
    assert any(line.startswith("12 ") for line in lines), "the lowest head is shown too"
    assert not any(line.startswith("3 ") for line in lines)


def test_a_heat_table_shows_no_evidence_as_a_dash() -> None:
    lines = text(show_metric(dataset(2, 2, nan_heads=((0, 1),)), "entropy")).splitlines()
    row = next(line for line in lines if line.strip().startswith("0 "))
    assert row.rstrip().endswith("–")


def test_a_share_table_shows_every_tag_or_one(data: xr.Dataset) -> None:
    every = text(show_metric(data, "pos_to"))
    assert all(tag in every for tag in data["pos"].values.tolist() if tag != "_")
    assert "no word" in every
    one = text(show_metric(data, "pos_to", label="NOUN"))
    assert percent(float(data["pos_to"].sel(pos="NOUN").max())) in one


@pytest.mark.parametrize("name", list(dataset(1, 1).data_vars))
def test_every_variable_can_be_shown(data: xr.Dataset, name: str) -> None:
    assert text(show_metric(data, name)).strip()


def line_of(shown_text: str, start: str) -> str:
    return next(line for line in shown_text.splitlines() if line.startswith(start))


def cells(shown_text: str, start: str) -> list[str]:
    """The columns of the line that starts so."""
    return re.split(r"\s{2,}", line_of(shown_text, start).strip())


def test_a_table_never_heard_of_is_shown_with_its_chance_beside() -> None:
    data = made_up()
    lines = text(show_metric(data, "animacy_to", label="human"))
    table = data["animacy_to"].sel(animacy="human")
    layer, head = np.unravel_index(int(np.argmax(table.values)), table.shape)
    assert lines.splitlines()[0].strip() == "Attention to human nouns"
    assert "Σ F of the kind ÷ M [1]" in lines
    most = float(table.max())
    assert cells(lines, "1 ") == ["1", f"layer {layer} head {head}", percent(most), "40%", times(most / 0.4)]
    every = text(show_metric(data, "animacy_to"))
    mean = percent(float(data["animacy_to"].sel(animacy="=1+1").mean()))
    assert cells(every, "animacy of the noun")[1:] == ["mean of heads", "first", "head", "chance", "against it"]
    assert cells(every, "=1+1")[1] == mean
    assert cells(every, "=1+1")[-2] == "20%"
    by_layer = text(show_metric(data, "animacy_to_by_layer"))
    assert cells(by_layer, "human")[1:] == [f"{100 * value:.0f}" for value in table.mean("head").values] + ["40%"]


def test_values_are_written_by_their_kind() -> None:
    data = made_up()
    best = float(data["sparkle"].max())
    shown_best = [f"{best:.3g} stars", "1.25 stars", times(best / 1.25)]
    assert cells(text(show_metric(data, "sparkle")), "1 ")[2:] == shown_best
    assert cells(text(show_metric(data, "unsaid")), "1 ")[2:] == [f"{float(data['unsaid'].max()):.3g}"]
    assert cells(text(show_metric(data, "animacy_rows")), "<b>") == ["<b>thing</b>", "1,200 rows"]
    assert text(show_metric(data, "sparkles")).split("\n\n")[-1].strip() == "12,345 stars"


def test_values_below_zero_have_colours_of_their_own() -> None:
    data = made_up()
    data["unsaid"][...] = [[-0.5, 0, 0.25], [0.1, 0.5, np.nan]]
    heat = show_metric(data, "unsaid").renderables[2]  # type: ignore[attr-defined]
    grounds = [
        [one.style.bgcolor.name for one in column.cells if isinstance(one.style, Style)] for column in heat.columns
    ]
    assert grounds[1][0] == palette.DIVERGING.light[0]
    assert grounds[2][1] == palette.DIVERGING.light[-1]


def test_a_table_with_two_further_dimensions_is_shown_by_both() -> None:
    data = made_up()
    best = float(data["rule_accuracy"].sel(rule="row", animacy="human").max())
    assert percent(best) in line_of(text(show_metric(data, "rule_accuracy")), "row, human")
    assert percent(best) in line_of(text(show_metric(data, "rule_accuracy", label="row, human")), "1 ")
    assert cells(text(show_metric(data, "rule_edges")), "column, human") == ["column, human", "4 edges"]


def test_a_head_has_tables_never_heard_of() -> None:
    data = made_up()
    lines = text(show_head(data, 1, 2))
    sparkle, loud = heading(data["sparkle"], {}), heading(data["animacy_to"], {"animacy": "human"})
    own = float(data["sparkle"].sel(layer=1, head=2))
    assert cells(lines, sparkle)[1] == f"{own:.3g} stars"
    assert cells(lines, sparkle)[-3:] == ["1.25 stars", times(own / 1.25), "chance"]
    human = data["animacy_to"].sel(layer=1, head=2, animacy="human")
    assert cells(lines, loud)[1] == percent(float(human))
    assert cells(lines, loud)[-3:] == ["40%", times(float(human) / 0.4), "chance"]
    assert "<i>Loud</i>" in lines
    assert "sparkle_expected" not in lines, "it stands beside sparkle"


def test_what_stands_out_has_its_chance_beside() -> None:
    data = dataset(4, 3)
    excess = data["dependency_alignment"] - 0.25 * (data["layer"] == 1)
    expected = data["dependency_alignment"] * 0 + 0.125
    data["dependency_alignment"].attrs["chance"] = "dependency_expected"
    data = data.assign(dependency_excess=-excess, dependency_expected=expected)
    own = data["dependency_alignment"].sel(direction="either")
    layer, head, _ = ranked(data["dependency_excess"].sel(direction="either"))[0]
    found = cells(text(summary(data, {})), "along dependencies")
    assert found[1:3] == [f"layer {layer} head {head}", percent(float(own.sel(layer=layer, head=head)))]
    assert found[4] == f"{100 * (float(own.sel(layer=layer, head=head)) - 0.125):+.1f} points"


@pytest.mark.parametrize("name", list(made_up().data_vars))
def test_names_that_are_markup_are_shown_as_they_stand(name: str) -> None:
    written = ansi(show_metric(made_up(), name))
    assert "\x1b[31m" not in written
    if "loud" in name:
        assert "<i>Loud</i> [red]x[/red] ␛[31m" in text(show_metric(made_up(), name))


def test_labels_of_numbers_are_found_by_their_spelling(data: xr.Dataset) -> None:
    assert shown(data["attention_at_offset"], float(data["attention_at_offset"].sel(offset=1).max())) in text(
        show_metric(data, "attention_at_offset", label="1")
    )


@pytest.mark.parametrize(
    ("name", "label", "said"),
    [
        ("NOUN", None, "a label of pos_to, pos_from; say attnmetrics show RUN pos_to --label NOUN"),
        ("distanse", None, "did you mean 'distance'"),
        ("nothing_like_it", None, "null_attention, attention_mass"),
        ("pos_to", "NUON", "did you mean 'NOUN'"),
        ("distance", "NOUN", "expected no label for distance"),
        ("\x1b[31m", None, "␛[31m"),
    ],
)
def test_unknown_names_are_refused_with_the_valid_ones(
    data: xr.Dataset, name: str, label: str | None, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        show_metric(data, name, label=label)
    assert said in str(caught.value)
    assert ("did you mean" in str(caught.value)) == ("did you mean" in said), "of nothing like it, nothing is guessed"
    assert "\x1b" not in str(caught.value)


def test_a_head_shows_its_rank(data: xr.Dataset) -> None:
    order = np.argsort(-data["distance"].values.ravel())
    layer, head = divmod(int(order[1]), 3)
    line = next(
        line for line in text(show_head(data, layer, head)).splitlines() if line.startswith("Mean attention distance")
    )
    assert "2 of 12" in line


def test_a_head_that_is_not_there_is_refused(data: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="layers 0 to 3"):
        show_head(data, 4, 0)
    with pytest.raises(ConfigError, match="heads 0 to 2"):
        show_exemplars(exemplars(data), 0, 3)


def test_a_run_without_exemplars_says_so(data: xr.Dataset) -> None:
    with pytest.raises(ConfigError, match="no exemplars"):
        show_exemplars(exemplars(data).iloc[:0], 0, 0)


@pytest.mark.parametrize(
    ("right", "told"), [(None, ""), ([0, 1], "right by the labels: {}"), ([], "the right word is in another sentence")]
)
def test_a_wrong_answer_says_which_word_is_right(data: xr.Dataset, right: list[int] | None, told: str) -> None:
    row = exemplars(data).iloc[0].to_dict() | {"right": right}
    first, second = (piece.removeprefix("Ġ") for piece in row["pieces"][:2])
    line = exemplar_lines(row, "sentence")[1].plain
    assert "right" in line or told == ""
    assert told.format(first + second) in line


def test_exemplars_show_the_pair_in_the_sentence(data: xr.Dataset) -> None:
    frame = exemplars(data)
    row = frame[(frame["layer"] == 1) & (frame["head"] == 2) & (frame["rank"] == 1)].iloc[0]
    shown_text = text(show_exemplars(frame, 1, 2, top=1))
    words = row["text"].split(" ")
    assert f"1. {words[row['i']]} → {words[row['j']]} {percent(row['weight'])}" in shown_text
    assert row["text"] in shown_text
    assert "2. " not in shown_text


def test_hostile_text_is_neither_escape_sequence_nor_markup(data: xr.Dataset) -> None:
    written = ansi(show_exemplars(exemplars(data, hostile=True), 0, 0, top=6))
    assert "\x1b[31m" not in written
    assert "\u202e" not in written and "\x00" not in written
    plain = text(show_exemplars(exemplars(data, hostile=True), 0, 0, top=1))
    assert "[bold]red[/bold]" in plain
    assert "<script>alert('x')</script>" in plain


def test_hostile_labels_stay_text() -> None:
    data = dataset(1, 1, pos=("\x1b[2J[red]x", "_"), rel=("$a_b$", "_"))
    for name in ("pos_to", "pos_to_by_layer", "dependency_type_to"):
        assert "\x1b[2J" not in ansi(show_metric(data, name))
    assert "[red]x" in text(show_metric(data, "pos_to"))
    assert "\x1b[2J" not in ansi(show_head(data, 0, 0))


def test_labels_that_end_alike_are_told_apart() -> None:
    data = dataset(2, 2, pos=("a\x00", "a", "_"))
    for label in ("a\x00", "a"):
        table = data["pos_to"][..., ["a\x00", "a"].index(label)]
        assert percent(float(table.max())) in line_of(text(show_metric(data, "pos_to", label=label)), "1 ")


def test_the_status_says_what_to_do_next() -> None:
    progress = SimpleNamespace(facts=facts() | {"status": "unfinished", "missing": []}, shards=4, measured=1, driver="")
    assert "1 of 4 shards (25%)" in text(show_status(Path("runs/a"), progress))
    progress.measured = 4
    assert "attnmetrics merge runs/a" in text(show_status(Path("runs/a"), progress))
    progress.driver = "process 7 on node"
    assert re.search("(?s)worked on by +process 7 on node.*next: wait", text(show_status(Path("runs/a"), progress)))
    progress.driver = ""
    progress.facts["status"] = "finished"
    progress.facts["missing"] = [{"shard": 2, "stage": "measure", "reason": "\x1b[2Jbad"}]
    said = text(show_status(Path("runs/a"), progress))
    assert "attnmetrics show runs/a" in said
    assert "shard 2 is missing, measure: ␛[2Jbad" in said


@pytest.mark.parametrize(
    ("value", "percentage", "plain"),
    [
        (0.0, "0%", "0"),
        (0.5, "50%", "0.5"),
        (0.0234, "2.3%", "0.023"),
        (0.00004, "0.004%", "4e-05"),
        (1.0, "100%", "1"),
    ],
)
def test_numbers_are_written_for_people(value: float, percentage: str, plain: str) -> None:
    assert percent(value) == percentage
    assert number(value) == plain


# ---- how alike heads are


def test_pairs_of_heads_are_told_from_the_nearest_to_the_farthest(data: xr.Dataset) -> None:
    found = text(show_metric(data, "head_distance", top=2))
    square = data["head_distance"].to_numpy().reshape(12, 12)
    values = np.sort(square[np.triu_indices(12, 1)])
    lines = [line.split() for line in found.splitlines() if " head " in line and "nats" in line]
    assert [line[0] for line in lines] == ["1", "2", "65", "66"]
    assert [line[-2] for line in lines] == [number(value) for value in values[[0, 1, -2, -1]]]
    near = text(show_metric(data, "head_distance", label="1, 2"))
    assert re.search(r"1 +layer 1 head 2 +0 nats", near)  # nearest first: itself


def test_places_and_clusters_are_no_sizes(data: xr.Dataset) -> None:
    told = text(show_metric(data.assign_attrs(), "head_map"))
    x, y = data["head_map"].to_numpy()[2, 1]
    assert re.search(rf"layer 2 head 1 +{x:.3f} +{y:.3f}", told)
    groups = data["head_cluster"].to_numpy()
    lines = [line.split() for line in text(show_metric(data, "head_cluster")).splitlines()]
    for cluster in np.unique(groups).astype(int):
        (line,) = (one for one in lines if one[:1] == [str(cluster)] and "." in one[-1])
        own = [f"{layer}.{head}" for layer, head in np.argwhere(groups == cluster)]
        assert line[1] == str(len(own)) and "".join(line[2:]).split(",") == own
    head = text(show_head(data, 1, 2))
    assert "head_cluster" not in head and "head_map" not in head
    distance = data["head_distance"].to_numpy()[1, 2].ravel().copy()
    distance[5] = np.nan
    layer, other = divmod(int(np.nanargmin(distance)), 3)
    assert re.search(rf"layer {layer} head {other} +{re.escape(number(np.nanmin(distance)))} nats", head)


def test_layers_are_told_by_layers(data: xr.Dataset) -> None:
    rows = [line.split() for line in text(show_metric(data, "layer_distance")).splitlines()]
    table = data["layer_distance"].to_numpy()
    (row,) = (row[1:] for row in rows if row[:1] == ["2"])
    assert row == [f"{value:.2f}" for value in table[:, 2]]
