import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attnmetrics.errors import StoreError
from attnmetrics.results.exemplars import EXEMPLARS, exemplars_frame, load_exemplars, save_exemplars
from attnmetrics.statistics.exemplars import Exemplars, Peaks, from_peaks
from attnmetrics.statistics.passages import Passage, Passages
from attnmetrics.storage import locate


def exemplars() -> Exemplars:
    weight = np.array([[[0.5, 0.25]], [[0.75, -np.inf]], [[0.5, 0.125]]])
    place = np.array([[[3, 2]], [[5, 1]], [[4, 1]]])
    return from_peaks(
        Peaks(weight, place, place - 1), np.array([0, 2, 2]), np.array([4, 0, 1]), np.arange(3).astype(np.uint64), 2
    )


PASSAGES: Passages = {
    (0, 4): [Passage("first", 0, 4, 0, "One.", ["One", "."])],
    (2, 0): [Passage("third", 2, 0, 0, "Two 🦉", ["Two", " 🦉"])],
    (2, 1): [Passage("third", 2, 1, 0, "", [])],
}


def test_exemplars_have_a_row_per_head_and_rank(tmp_path):
    frame = exemplars_frame(exemplars(), (7,), PASSAGES)
    expected = [
        (7, 0, 1, 0.75, "third", 0, 5, 4, "Two 🦉", ["Two", " 🦉"]),
        (7, 0, 2, 0.5, "first", 4, 3, 2, "One.", ["One", "."]),
        (7, 1, 1, 0.25, "first", 4, 2, 1, "One.", ["One", "."]),
        (7, 1, 2, 0.125, "third", 1, 1, 0, "", []),
    ]
    assert [tuple(row) for row in frame.itertuples(index=False)] == expected
    save_exemplars(frame, locate(tmp_path / "exemplars.parquet"))
    pd.testing.assert_frame_equal(load_exemplars(locate(tmp_path / "exemplars.parquet")), frame)


def test_exemplars_have_plain_arrow_types(tmp_path):
    for name, value in (("a", exemplars()), ("b", exemplars()), ("none", Exemplars.zero(1, 2, 3))):
        save_exemplars(exemplars_frame(value, (7,), PASSAGES), locate(tmp_path / name))
    schema = pq.read_schema(tmp_path / "a")
    assert schema.equals(EXEMPLARS, check_metadata=True)
    assert schema.names == ["layer", "head", "rank", "weight", "document", "sentence", "i", "j", "text", "pieces"]
    assert schema.field("pieces").type == pa.list_(pa.string())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(load_exemplars(locate(tmp_path / "none"))) == 0


def test_an_exemplar_without_text_is_an_error():
    texts = {key: PASSAGES[key] for key in [(2, 0), (2, 1)]}
    with pytest.raises(StoreError, match=r"expected the text of document 0, sentence 4, .* found none; measure its"):
        exemplars_frame(exemplars(), (7,), texts)


def test_missing_and_damaged_exemplars_are_named(tmp_path):
    path = tmp_path / "exemplars.parquet"
    with pytest.raises(StoreError, match=r"expected exemplars at .*exemplars\.parquet, found none"):
        load_exemplars(locate(path))
    path.write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match="expected exemplars at"):
        load_exemplars(locate(path))
