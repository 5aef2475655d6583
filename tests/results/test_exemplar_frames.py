import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attnmetrics.errors import StoreError
from attnmetrics.results.exemplars import EXEMPLARS, exemplars_frame, load_exemplars, save_exemplars
from attnmetrics.results.files import save_frame
from attnmetrics.statistics.claims import keep_best, make_rows, no_rows
from attnmetrics.statistics.exemplars import Exemplars, Peaks, from_peaks
from attnmetrics.statistics.listing import Listing, make_listing
from attnmetrics.statistics.passages import Passage, Passages
from attnmetrics.storage import locate


def exemplars() -> Exemplars:
    weight = np.array([[[0.5, 0.25]], [[0.75, -np.inf]], [[0.5, 0.125]]])
    place = np.array([[[3, 2]], [[5, 1]], [[4, 1]]])
    texts = np.arange(3).astype(np.uint64)
    pair = np.broadcast_to(texts[:, None, None], place.shape)
    return from_peaks(Peaks(weight, place, place - 1, pair), np.array([0, 2, 2]), np.array([4, 0, 1]), texts, 2)


def listing(top: Exemplars) -> Listing:
    """With a claim of one row, and one that two claims are together."""
    claims = make_rows(claim=np.array([0, 1]), layer=0, head=1, weight=np.float32([0.5, 0.75]),
                       document_index=np.array([0, 2]), sentence=np.array([4, 0]), i=1, j=0,
                       digest=np.array([0, 1], np.uint64))  # fmt: skip
    return make_listing(top, keep_best(claims), ("to:A", "to:B"), {"to:either": (0, 1)})


NOTHING = make_listing(Exemplars.zero(1, 2, 3), no_rows(), (), {})
PASSAGES: Passages = {
    (0, 4): [Passage("first", 0, 4, 0, "One.", ["One", "."], [5, 6])],
    (2, 0): [Passage("third", 2, 0, 0, "Two 🦉", ["Two", " 🦉"], [7, 8])],
    (2, 1): [Passage("third", 2, 1, 0, "", [], [])],
}


def test_exemplars_have_a_row_per_head_and_rank(tmp_path):
    frame = exemplars_frame(listing(exemplars()), (7,), PASSAGES)
    one, two = ("first", 4, 1, 0, "One.", ["One", "."], None), ("third", 0, 1, 0, "Two 🦉", ["Two", " 🦉"], None)
    expected = [
        (7, 0, "", "top", 1, 0.75, "third", 0, 5, 4, "Two 🦉", ["Two", " 🦉"], None),
        (7, 0, "", "top", 2, 0.5, "first", 4, 3, 2, "One.", ["One", "."], None),
        (7, 1, "", "top", 1, 0.25, "first", 4, 2, 1, "One.", ["One", "."], None),
        (7, 1, "", "top", 2, 0.125, "third", 1, 1, 0, "", [], None),
        (7, 1, "to:A", "top", 1, 0.5, *one),
        (7, 1, "to:B", "top", 1, 0.75, *two),
        (7, 1, "to:either", "top", 1, 0.75, *two),
        (7, 1, "to:either", "top", 2, 0.5, *one),
    ]
    assert [tuple(row) for row in frame.itertuples(index=False)] == expected
    save_exemplars(frame, locate(tmp_path / "exemplars.parquet"))
    pd.testing.assert_frame_equal(load_exemplars(locate(tmp_path / "exemplars.parquet")), frame)


def test_a_wrong_answer_has_the_pieces_of_the_right_word(tmp_path):
    first = Passage("d", 0, 0, 0, "Far one.", ["Far", "one", "."], [1, 2, 3], words=[0, 1, 2])
    second = Passage("d", 0, 0, 3, "So", ["So"], [4], words=[3])
    last = Passage(
        "d", 0, 0, 4, "It is.", ["It", "is"], [5, 6],
        words=[4, 5], questions=["relation:obj:row", "coreference"], asked=[5, 5], right=[4, 1],
    )  # fmt: skip
    rows = make_rows(claim=[0, 1], weight=0.5, i=5, j=3, digest=np.array([0, 1], np.uint64))
    best = {"relation:obj:miss": (0, 0, 0), "coreference:miss": (1, 0, 0)}
    missed = {"relation:obj:miss": "relation:obj:row", "coreference:miss": "coreference"}
    made = make_listing(Exemplars.zero(1, 1, 0), keep_best(rows), (), {}, best, missed=missed)
    frame = exemplars_frame(made, (0,), {(0, 0): [first, second, last]})
    assert frame[["claim", "i", "j"]].to_numpy().tolist() == [[claim, 2, 0] for claim in best]
    assert frame["right"].tolist() == [[1], []]  # the antecedent's sentence is not shown
    save_exemplars(frame, locate(tmp_path / "exemplars.parquet"))
    found = load_exemplars(locate(tmp_path / "exemplars.parquet"))
    pd.testing.assert_frame_equal(found, frame)
    assert json.dumps(found["right"].tolist()) == "[[1], []]", "plain numbers, for whoever writes them on"
    bare = [replace(one, words=[], questions=[], asked=[], right=[]) for one in (first, second, last)]
    assert exemplars_frame(made, (0,), {(0, 0): bare})["right"].tolist() == [None, None]
    save_frame(frame.drop(columns="right"), EXEMPLARS.remove(len(EXEMPLARS) - 1), locate(tmp_path / "old"))
    assert load_exemplars(locate(tmp_path / "old"))["right"].tolist() == [None, None]


def test_exemplars_have_plain_arrow_types(tmp_path):
    for name, value in (("a", listing(exemplars())), ("b", listing(exemplars())), ("none", NOTHING)):
        save_exemplars(exemplars_frame(value, (7,), PASSAGES), locate(tmp_path / name))
    schema = pq.read_schema(tmp_path / "a")
    assert schema.equals(EXEMPLARS, check_metadata=True)
    assert schema.names == [
        "layer", "head", "claim", "bucket", "rank", "weight", "document", "sentence", "i", "j", "text", "pieces",
        "right",
    ]  # fmt: skip
    assert schema.field("pieces").type == pa.list_(pa.string())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(load_exemplars(locate(tmp_path / "none"))) == 0


def test_an_exemplar_without_text_is_an_error():
    texts = {key: PASSAGES[key] for key in [(2, 0), (2, 1)]}
    with pytest.raises(StoreError, match=r"expected the text of document 0, sentence 4, .* found none; measure its"):
        exemplars_frame(listing(exemplars()), (7,), texts)


def test_missing_and_damaged_exemplars_are_named(tmp_path):
    path = tmp_path / "exemplars.parquet"
    with pytest.raises(StoreError, match=r"expected exemplars at .*exemplars\.parquet, found none"):
        load_exemplars(locate(path))
    path.write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match="expected exemplars at"):
        load_exemplars(locate(path))
