"""What is said beside the files: where they came from, what they mean here, what is taken on trust."""

from collections.abc import Iterator, Sequence
from typing import Final

from attnmetrics.exporting.content import Content
from attnmetrics.exporting.headvis.scores import definitions
from attnmetrics.views.tables import unit_word

TEXT = """\
# Attention heads for HeadVis

{about}

Put this folder in the place of `data/` beside the built front end (github.com/anthropics/headvis) and serve both; the
page needs no server of its own. For Neuronpedia's loaders put it at `EXPORTS/MODEL_ID/headvis/DATASET/`.

## Sequences

Intervals, the weakest first: {buckets}.
`0-20` to `80-100` are typical ones: a sample of the corpus by hash, the same for all heads, each head's cut into five
equal parts by their largest weight F. `top` are the head's strongest of the whole corpus, no pair of pieces twice, by
their largest F between two pieces (of heads that look at the piece itself most of the time: from a piece to itself).
F is attention without null columns; null here: {null}. `attention_values` are α itself, null columns included, to four
decimals; those below 0.002 are left out. `largest_f` is the weight by which a sentence is here, `max_activation` the
largest α outside the first row and column, as the page has it: it tells of the diagonal too, and of null pieces that
are not the first, such as [SEP].
{lacking}
## Scores

HeadVis's names stand for its own definitions alone; what is defined otherwise here has its own name. Every column is
described in `config.json`.

| HeadVis | here | difference |
|---|---|---|
{scores}

`histogram` counts all sentences measured by their largest F, the diagonal included. `top_query_tokens` and
`top_key_tokens` are types of pieces over the whole corpus by lift, for plain sums of attention rank pieces by how often
they occur; their sums are in `attention`. A score is one number there: its description in `config.json` says how far
the median head's interval reaches, a head's file has all of its intervals as `metric_intervals`, and those of its roles
stand beside what it does. `qk_distance_histogram` is of the sequences here, as in HeadVis; `attention_at_offset` of all
text.

## Taken on trust

The shapes follow the data contract that comes with the front end (May 2026): its docstrings, its description, and the
parts of its source that could be read. `scatter` in `config.json` (which axes are shown first) is in that source but
not in the contract. The page offers as axes what the first row of `scatter_data.json` has a number for, so a head that
has all numbers comes first. There is no projection of queries, keys, outputs and values (`has_umap` is false), and no
attribution to features. `pipeline_config` holds what Neuronpedia's loaders ask for; `seq_len` there is the most pieces
that the model takes.
"""


LACKING: Final = {
    "context": "Of a {unit} only the sentences that hold the two pieces are here: attention to the rest of it is "
    "missing from their rows, and their first piece is not its first.",
    "typical": "Typical sentences are not here: the run kept no attention in them, and no model read them "
    "(`--no-typical`).",
    "tokens": "The tables of pieces are empty: the run does not have them.",
    "roles": "No head says what it does: the run does not have roles.",
}


def read_me(content: Content, buckets: Sequence[str]) -> str:
    """The notes."""
    rows = [f"| {theirs} | {ours or '–'} | {difference} |" for theirs, ours, difference in definitions(content.data)]
    return TEXT.format(
        about="\n".join(f"- {what}: {which}" for what, which in content.about.items()),
        lacking="".join(
            f"\n{LACKING[what].format(unit=unit_word(content.data))}\n" for what in _lacking(content, buckets)
        ),
        buckets=", ".join(f"{place} = `{bucket}`" for place, bucket in enumerate(buckets, 1)),
        null=content.about.get("null pieces", "see the run"),
        scores="\n".join(rows),
    )


def _lacking(content: Content, buckets: Sequence[str]) -> Iterator[str]:
    """What the page has a place for and this run has nothing for."""
    if unit_word(content.data) != "sentence":
        yield "context"
    if set(buckets) <= {"top"}:
        yield "typical"
    yield from (name for name in ("tokens", "roles") if name not in content.frames)
