import errno
import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from attnmetrics.annotation.cache import (
    annotation_path,
    load_declared,
    read,
    read_columns,
    read_counts,
    read_keys,
    save_declared,
    write,
)
from attnmetrics.annotation.sentence import Annotated, Column, Mentions, Sentences, count
from attnmetrics.errors import DamageError, StoreError
from attnmetrics.storage import locate

DECLARED = {"pos": ("ADJ", "NOUN", "VERB", "_"), "rel": ("ROOT", "nsubj", "nsubj:pass", "_")}
REUSE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def annotated() -> Annotated:
    sentences = Sentences(
        document=("a", "a", "ü"),
        document_index=np.array([0, 0, 2]),
        sentence=np.array([0, 1, 0]),
        text=("one two", "x\x00\n\N{GRINNING FACE}", "שלום"),
        word_offsets=np.array([0, 2, 2, 3]),
        word_start=np.array([0, 4, 0]),
        word_end=np.array([3, 7, 4]),
        word_head=np.array([1, -1, -1]),
        columns={
            "pos": Column(("NOUN", "VERB", "_"), np.array([0, 1, 2])),
            "rel": Column(("_", "nsubj:pass"), np.array([1, 0, 0])),
            "ext.a.b": Column(("one", "two"), np.array([1, 1, 0])),
            "ext.a": Column(("x\x00|=\N{GRINNING FACE}",), np.array([0, 0, 0])),
        },
        mentions=Mentions(
            word=np.array([0, 1, 1, 2]),
            entity=np.array([0, 0, 1, 2]),
            of_entity=np.array([2, 2, 1, 1]),
            earlier=np.array([0, 1, 0, 0]),
            text=Column(("one", "one two", "שלום"), np.array([0, 1, 1, 2])),
            link=Column(("_", "appos"), np.array([0, 1, 0, 0])),
        ),
        loose=frozenset({2}),
    )
    return Annotated(sentences, count(sentences, 3, 5))


def stored(folder: Path) -> Path:
    path = Path(annotation_path(locate(folder), "f", "d"))
    write(locate(path), annotated(), "f", "d")
    return path


def assert_equal(found: Sentences, expected: Sentences) -> None:
    for field in fields(Sentences):
        mine, other = getattr(found, field.name), getattr(expected, field.name)
        if field.name == "columns":
            assert {name: column.values() for name, column in mine.items()} == {
                name: column.values() for name, column in other.items()
            }
        elif field.name == "mentions":
            assert mentions_as_rows(mine) == mentions_as_rows(other)
        elif isinstance(other, np.ndarray):
            np.testing.assert_array_equal(mine, other, err_msg=field.name)
            assert mine.dtype == np.int64
        else:
            assert mine == other, field.name


def mentions_as_rows(mentions: Mentions) -> list[tuple[object, ...]]:
    numbers = (mentions.word, mentions.entity, mentions.of_entity, mentions.earlier)
    texts = mentions.text.values(), mentions.link.values()
    return list(zip(*(values.tolist() for values in numbers), *texts, strict=True))


def test_read_gives_back_what_was_written(tmp_path: Path) -> None:
    path = stored(tmp_path)
    assert_equal(read(locate(path)), annotated().sentences)
    assert read_counts(locate(path)) == {
        "documents": 3,
        "sentences": 3,
        "words": 3,
        "characters": 15,
        "mentions": 4,
        "sentences_blank": 5,
    }
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_documents_are_counted_from_the_shard_s_first(tmp_path: Path) -> None:
    found = read(locate(stored(tmp_path)), (), 10)
    np.testing.assert_array_equal(found.document_index, [10, 10, 12])
    assert found.loose == {12}


def test_only_the_columns_that_are_wanted_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = locate(stored(tmp_path))
    assert read_columns(path) == {"pos", "rel", "ext.a", "ext.a.b"}
    asked: list[list[str]] = []
    whole = pq.ParquetFile.read
    monkeypatch.setattr(
        pq.ParquetFile, "read", lambda self, columns, **o: asked.append(columns) or whole(self, columns, **o)
    )
    assert {name: column.values() for name, column in read(path, ("ext.a", "rel")).columns.items()} == {
        "ext.a": ["x\x00|=\N{GRINNING FACE}"] * 3,
        "rel": ["nsubj:pass", "_", "_"],
    }
    assert [name for name in asked[0] if name.startswith("word_")] == [
        *("word_start", "word_end", "word_head"),
        *("word_ext.a", "word_rel"),
    ]
    assert read(path, ()).columns == {}


def test_a_column_that_is_not_kept(tmp_path: Path) -> None:
    path = locate(stored(tmp_path))
    with pytest.raises(
        StoreError, match=r"expected the column lemma, misc, found ext.a, ext.a.b, pos, rel; `attn"
    ) as error:
        read(path, ("pos", "misc", "lemma"))
    assert str(path) in str(error.value) and not isinstance(error.value, DamageError)


def test_names_come_back_in_order_without_those_that_no_word_has(tmp_path: Path) -> None:
    column = Column(("z", "b", "unused", "a"), np.array([1, 0, 3]))
    changed = replace(annotated().sentences, columns={"pos": column})
    path = annotation_path(locate(tmp_path), "f", "d")
    write(path, Annotated(changed, {}), "f", "d")
    found = read(path).columns["pos"]
    assert found.names == ("a", "b", "z") and found.codes.tolist() == [1, 2, 0]


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
        "document_loose": False,
        "sentence": 0,
        "text": "one two",
        "word_start": [0, 4],
        "word_end": [3, 7],
        "word_head": [1, -1],
        "word_pos": ["NOUN", "VERB"],
        "word_rel": ["nsubj:pass", "_"],
        "word_ext.a": ["x\x00|=\N{GRINNING FACE}"] * 2,
        "word_ext.a.b": ["two", "two"],
        "mention_word": [0, 1, 1],
        "mention_entity": [0, 0, 1],
        "mention_of_entity": [2, 2, 1],
        "mention_earlier": [0, 1, 0],
        "mention_text": ["one", "one two", "one two"],
        "mention_link": ["_", "appos", "_"],
    }


def test_a_shard_without_sentences(tmp_path: Path) -> None:
    empty = annotated().sentences.take(np.array([], np.int64))
    path = Path(annotation_path(locate(tmp_path), "f", "d"))
    write(locate(path), Annotated(empty, count(empty, 2, 1)), "f", "d")
    found = read(locate(path))
    assert len(found) == 0 and len(read_keys(locate(path)).document) == 0
    np.testing.assert_array_equal(found.word_offsets, [0])
    assert read_counts(locate(path))["documents"] == 2


@REUSE
@given(
    st.lists(st.tuples(st.text(), st.lists(st.tuples(st.integers(0, 3), st.text()), max_size=5)), max_size=6),
    st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3), max_size=3),
)
def test_random_shards_come_back(
    tmp_path: Path, rows: list[tuple[str, list[tuple[int, str]]]], names: set[str]
) -> None:
    words = [word for _, sentence in rows for word in sentence]
    numbers = np.array([number for number, _ in words], np.int64)
    columns = {name: Column.of([text[: len(name)] for _, text in words]) for name in names}
    sentences = Sentences(
        document=tuple(text[::-1] for text, _ in rows),
        document_index=np.arange(len(rows)),
        sentence=np.zeros(len(rows), np.int64),
        text=tuple(text for text, _ in rows),
        word_offsets=np.cumsum([0, *(len(sentence) for _, sentence in rows)]),
        word_start=numbers,
        word_end=numbers + 1,
        word_head=numbers - 1,
        columns={f"ext.{name}": column for name, column in columns.items()},
    )
    path = Path(annotation_path(locate(tmp_path), "f", "d"))
    write(locate(path), Annotated(sentences, count(sentences, 1, 0)), "f", "d")
    assert_equal(read(locate(path)), sentences)
    assert read_columns(locate(path)) == {f"ext.{name}" for name in names}


def test_paths_tell_annotators_and_documents_apart(tmp_path: Path) -> None:
    pairs = [("f", "d"), ("g", "d"), ("f", "e"), ("f,d", ""), ("f", "d,")]
    paths = {Path(annotation_path(locate(tmp_path), *pair)) for pair in pairs}
    assert len(paths) == 5
    assert all(path.parent == tmp_path and path.suffix == ".parquet" for path in paths)


# Faults


@pytest.mark.parametrize("function", [read, read_keys, read_counts, read_columns])
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
    assert found().startswith(f"{path} does not exist; expected the annotations of a shard: run the annotation stage")


@REUSE
@given(st.data())
def test_damage_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = stored(tmp_path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        found = read(locate(path))
    except StoreError as error:
        assert str(path) in str(error)
    else:
        assert_equal(found, annotated().sentences)


def test_changed_content_has_another_checksum(tmp_path: Path) -> None:
    path = stored(tmp_path)
    table = pq.read_table(path)
    tags = [["NOUN", "NOUN"], [], ["_"]]
    mentions = {"mention_entity": [[0, 0, 1], [], [0]], "mention_link": [["_", "_", "_"], [], ["_"]]}
    changes = {"word_pos": tags, "text": ["one", "x", "y"], "document_loose": [False] * 3, "sentence": [0, 1, 1]}
    for name, values in (mentions | changes).items():
        column = table.schema.get_field_index(name)
        pq.write_table(table.set_column(column, name, pa.array(values, table.schema.field(name).type)), path)
        with pytest.raises(StoreError, match="its contents do not have their checksum"):
            read(locate(path))
    with pytest.raises(StoreError, match="its contents do not have their checksum"):
        read_keys(locate(path))


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
        save_declared(locate(tmp_path / "folder"), "f", DECLARED)


# What an annotator declares


def test_what_is_declared_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert load_declared(locate(folder), "f") is None
    save_declared(locate(folder), "f", DECLARED)
    assert load_declared(locate(folder), "f") == DECLARED
    assert load_declared(locate(folder), "g") is None


def test_damaged_declarations(tmp_path: Path) -> None:
    save_declared(locate(tmp_path), "f", DECLARED)
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text())
    changes: list[object] = [
        {"fingerprint": "g"},
        {"declared": ["NOUN"]},
        {"declared": {"pos": "NOUN"}},
        {"declared": {"rel": [1]}},
        {"version": 0},
        {"declared": {"pos": DECLARED["pos"]}},
    ]
    for broken in ("{", "[]", "\xff", *(json.dumps(content | change) for change in changes)):  # type: ignore[operator]
        path.write_bytes(broken.encode("latin-1"))
        with pytest.raises(StoreError, match="expected the labels of an annotator") as error:
            load_declared(locate(tmp_path), "f")
        assert str(path) in str(error.value) and "computes it anew" in str(error.value)


def test_no_spacy_is_needed(tmp_path: Path) -> None:
    path = stored(tmp_path)
    code = (
        "import sys; sys.modules['spacy'] = None; from attnmetrics.annotation import cache; "
        "from attnmetrics.storage import locate; "
        "from attnmetrics.annotation import conllu, sources; "
        "assert len(cache.read(locate(sys.argv[1]))) == 3"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
