import errno
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from attnmetrics.annotation.cache import (
    annotation_path,
    load_labels,
    read,
    read_counts,
    read_keys,
    save_labels,
    write,
)
from attnmetrics.annotation.sentence import Annotated, Labels, Sentences, count
from attnmetrics.errors import StoreError
from attnmetrics.storage import locate

LABELS = Labels(("ADJ", "NOUN", "VERB", "_"), ("ROOT", "nsubj", "nsubj:pass", "_"))
LOCAL = Labels(("NOUN", "VERB", "_"), ("nsubj:pass", "_"))
REUSE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def annotated() -> Annotated:
    sentences = Sentences(
        labels=LOCAL,
        document=("a", "a", "ü"),
        document_index=np.array([0, 0, 2]),
        sentence=np.array([0, 1, 0]),
        text=("one two", "x\x00\n\N{GRINNING FACE}", "שלום"),
        word_offsets=np.array([0, 2, 2, 3]),
        word_start=np.array([0, 4, 0]),
        word_end=np.array([3, 7, 4]),
        word_pos=np.array([0, 1, 2]),
        word_rel=np.array([0, 1, 1]),
        word_head=np.array([1, -1, -1]),
    )
    return Annotated(sentences, count(sentences, 3, 5))


def stored(folder: Path) -> Path:
    path = Path(annotation_path(locate(folder), "f", "d"))
    write(locate(path), annotated(), "f", "d")
    return path


def assert_equal(found: Sentences, expected: Sentences) -> None:
    for field in fields(Sentences):
        mine, other = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(mine, other, err_msg=field.name)
            assert mine.dtype == np.int64
        else:
            assert mine == other, field.name


def test_read_gives_back_what_was_written(tmp_path: Path) -> None:
    path = stored(tmp_path)
    assert_equal(read(locate(path), LOCAL), annotated().sentences)
    assert read_counts(locate(path)) == {
        "documents": 3,
        "sentences": 3,
        "words": 3,
        "characters": 15,
        "sentences_blank": 5,
    }
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_labels_and_documents_are_those_of_the_run(tmp_path: Path) -> None:
    found = read(locate(stored(tmp_path)), LABELS, 10)
    assert found.labels == LABELS
    np.testing.assert_array_equal(found.word_pos, [1, 2, 3])
    np.testing.assert_array_equal(found.word_rel, [2, 3, 3])
    np.testing.assert_array_equal(found.document_index, [10, 10, 12])


def test_keys_name_every_sentence_of_a_shard(tmp_path: Path) -> None:
    keys = read_keys(locate(stored(tmp_path)), 10)
    assert keys.document == ("a", "a", "ü")
    np.testing.assert_array_equal(keys.document_index, [10, 10, 12])
    np.testing.assert_array_equal(keys.sentence, [0, 1, 0])


def test_the_file_is_a_table_for_anyone(tmp_path: Path) -> None:
    rows = pq.read_table(stored(tmp_path)).to_pylist()
    assert rows[0] == {
        "document": "a",
        "document_index": 0,
        "sentence": 0,
        "text": "one two",
        "word_start": [0, 4],
        "word_end": [3, 7],
        "word_pos": ["NOUN", "VERB"],
        "word_rel": ["nsubj:pass", "_"],
        "word_head": [1, -1],
    }


def test_a_shard_without_sentences(tmp_path: Path) -> None:
    empty = annotated().sentences.take(np.array([], np.int64))
    path = Path(annotation_path(locate(tmp_path), "f", "d"))
    write(locate(path), Annotated(empty, count(empty, 2, 1)), "f", "d")
    found = read(locate(path), LABELS)
    assert len(found) == 0 and len(read_keys(locate(path)).document) == 0
    np.testing.assert_array_equal(found.word_offsets, [0])
    assert read_counts(locate(path))["documents"] == 2


@REUSE
@given(
    st.lists(st.tuples(st.text(), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5)), max_size=6)
)
def test_random_shards_come_back(tmp_path: Path, rows: list[tuple[str, list[tuple[int, int]]]]) -> None:
    words = [word for _, sentence in rows for word in sentence]
    numbers = np.array(words, np.int64).reshape(-1, 2)
    sentences = Sentences(
        labels=LABELS,
        document=tuple(text[::-1] for text, _ in rows),
        document_index=np.arange(len(rows)),
        sentence=np.zeros(len(rows), np.int64),
        text=tuple(text for text, _ in rows),
        word_offsets=np.cumsum([0, *(len(sentence) for _, sentence in rows)]),
        word_start=numbers[:, 0].copy(),
        word_end=numbers[:, 1] + 1,
        word_pos=numbers[:, 0].copy(),
        word_rel=numbers[:, 1].copy(),
        word_head=numbers[:, 0] - 1,
    )
    path = Path(annotation_path(locate(tmp_path), "f", "d"))
    write(locate(path), Annotated(sentences, count(sentences, 1, 0)), "f", "d")
    assert_equal(read(locate(path), LABELS), sentences)


def test_paths_tell_annotators_and_documents_apart(tmp_path: Path) -> None:
    pairs = [("f", "d"), ("g", "d"), ("f", "e"), ("f,d", ""), ("f", "d,")]
    paths = {Path(annotation_path(locate(tmp_path), *pair)) for pair in pairs}
    assert len(paths) == 5
    assert all(path.parent == tmp_path and path.suffix == ".parquet" for path in paths)


# Faults


@pytest.mark.parametrize("function", [lambda place: read(place, LABELS), read_keys, read_counts])
def test_a_foreign_truncated_or_missing_file(tmp_path: Path, function: object) -> None:
    path = stored(tmp_path)
    whole = path.read_bytes()

    def found() -> str:
        with pytest.raises(StoreError) as error:
            function(locate(path))  # type: ignore[operator]
        assert str(path) in str(error.value)
        return str(error.value)

    for content in (whole[:-1], whole[: len(whole) // 2], b"", b"text"):
        path.write_bytes(content)
        assert "expected the annotations of a shard, found a damaged or foreign file" in (reason := found())
        assert "`attnmetrics run` computes it anew" in reason
    pq.write_table(pa.table({"text": ["x"]}), path)
    assert "it was not written by attnmetrics" in found()
    write(locate(path), annotated(), "another", "d")
    assert "it belongs to other documents or another annotator than its name says" in found()
    path.unlink()
    assert found() == f"{path} does not exist; expected the annotations of a shard: run the annotation stage"


@REUSE
@given(st.data())
def test_damage_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = stored(tmp_path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        found = read(locate(path), LOCAL)
    except StoreError as error:
        assert str(path) in str(error)
    else:
        assert_equal(found, annotated().sentences)


def test_changed_content_has_another_checksum(tmp_path: Path) -> None:
    path = stored(tmp_path)
    table = pq.read_table(path)
    for name, values in {"text": ["one", "x", "y"], "sentence": [0, 1, 1]}.items():
        column = table.schema.get_field_index(name)
        pq.write_table(table.set_column(column, name, pa.array(values, table.schema.field(name).type)), path)
        with pytest.raises(StoreError, match="its contents do not have their checksum"):
            read(locate(path), LOCAL)
    with pytest.raises(StoreError, match="its contents do not have their checksum"):
        read_keys(locate(path))


def test_an_unknown_label(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"expected every relation among ROOT, _; found nsubj:pass too; delete it and"):
        read(locate(stored(tmp_path)), Labels(LABELS.pos, ("ROOT", "_")))
    with pytest.raises(StoreError, match=r"expected every part of speech among NOUN, _; found VERB too"):
        read(locate(stored(tmp_path)), Labels(("NOUN", "_"), LABELS.rel))


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "free some space for"), (errno.EACCES, "make"), (errno.EROFS, "make")]
)
def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    path = stored(tmp_path)
    before = path.read_bytes()

    def fail(path: Path, target: Path) -> None:
        raise OSError(number, "the reason")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreError) as error:
        write(locate(path), annotated(), "f", "d")
    assert str(error.value).startswith(f"cannot write {path}: the reason; {remedy} {tmp_path}")
    assert "--annotations" in str(error.value)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [before]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("x")
    with pytest.raises(StoreError, match="cannot write"):
        stored(tmp_path / "folder")
    with pytest.raises(StoreError, match="cannot write"):
        save_labels(locate(tmp_path / "folder"), "f", LABELS)


# Labels


def test_labels_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert load_labels(locate(folder), "f") is None
    save_labels(locate(folder), "f", LABELS)
    assert load_labels(locate(folder), "f") == LABELS
    assert load_labels(locate(folder), "g") is None


def test_damaged_labels(tmp_path: Path) -> None:
    save_labels(locate(tmp_path), "f", LABELS)
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text())
    changes: list[object] = [
        {"fingerprint": "g"},
        {"pos": "NOUN"},
        {"rel": [1]},
        {"version": 0},
        {"pos": list(LABELS.pos[:-1])},
    ]
    for broken in ("{", "[]", "\xff", *(json.dumps(content | change) for change in changes)):  # type: ignore[operator]
        path.write_bytes(broken.encode("latin-1"))
        with pytest.raises(StoreError, match="expected the labels of an annotator") as error:
            load_labels(locate(tmp_path), "f")
        assert str(path) in str(error.value) and "computes it anew" in str(error.value)


def test_no_spacy_is_needed(tmp_path: Path) -> None:
    path = stored(tmp_path)
    code = (
        "import sys; sys.modules['spacy'] = None; from attnmetrics.annotation import cache; "
        "from attnmetrics.storage import locate; "
        "from attnmetrics.annotation.conllu import ConlluAnnotator; from attnmetrics.annotation.sentence import "
        "Labels; "
        "labels = Labels(('NOUN', 'VERB', '_'), ('nsubj:pass', '_')); "
        "assert len(cache.read(locate(sys.argv[1]), labels)) == 3"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
