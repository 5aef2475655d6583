"""Any bytes, and valid files with something changed, give a result or an error of ours that says where."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fuzz.targets import TARGETS, annotations, parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attnmetrics.errors import StoreError
from attnmetrics.running.runfile import read_facts
from attnmetrics.storage import locate

MODEST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = ("txt", "jsonl", "conllu", "yaml")
RECORDS = ("run.json", "commit", "annotation metadata", "labels")
COMPRESSED = ("txt.gz", "txt.bz2", "txt.zst")


def everything() -> list[Any]:
    return [pytest.param(target, id=name) for name, target in TARGETS.items()]


@pytest.mark.parametrize("target", everything())
def test_seeds_are_valid(tmp_path: Path, target: Any) -> None:
    for seed in target.seeds:
        target.check(seed, tmp_path)


@pytest.mark.parametrize("target", everything())
@MODEST
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes(tmp_path: Path, target: Any, data: bytes) -> None:
    target.check(data, tmp_path)


@st.composite
def changed(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A valid file of which some bytes are replaced, cut out, put in, or doubled."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 20)))
        new = draw(
            st.binary(max_size=8) | st.sampled_from([b"\n", b"\t", b"\0", b"\r", b" " * 40, data[begin:end] * 2])
        )
        data = data[:begin] + new + data[end:]
    return data


@pytest.mark.parametrize("target", everything())
@MODEST
@given(st.data())
def test_changed_files(tmp_path: Path, target: Any, data: st.DataObject) -> None:
    target.check(data.draw(changed(target.seeds)), tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([2**63, 10**400, -1]) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed_record(draw: st.DrawFn, seed: bytes) -> bytes:
    """A record of which one value, anywhere, is another one or gone."""
    record = json.loads(seed)
    node, key = record, draw(st.sampled_from(sorted(record)))
    while isinstance(node[key], dict | list) and node[key] and draw(st.booleans()):
        node = node[key]
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
    if draw(st.booleans()):
        node[key] = draw(JSON)
    else:
        del node[key]
    return json.dumps(record).encode()


@pytest.mark.parametrize("name", RECORDS)
@MODEST
@given(st.data())
def test_changed_records(tmp_path: Path, name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    target.check(data.draw(changed_record(target.seeds[0])), tmp_path)


@pytest.mark.parametrize("name", ["units", "batching", "store", "importance"])
def test_what_a_run_may_lack_is_not_null(tmp_path: Path, name: str) -> None:
    record = json.loads(TARGETS["run.json"].seeds[0])
    record.pop("store")
    record[name] = None
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(StoreError, match=f"not the record of a run: .*found null at {name}; give another --out"):
        read_facts(locate(tmp_path))


FIELD = st.sampled_from(
    ["1", "2", "1-2", "0", "1.1", "2-1", "_", "", " ", "a", "a b", "X", "SpaceAfter=No", "#", "\r", "9" * 12]
)
LINE = (
    st.lists(FIELD, min_size=10, max_size=10).map("\t".join)
    | st.tuples(st.integers(1, 4), st.sampled_from("ab"), st.integers(0, 4)).map(
        lambda row: f"{row[0]}\t{row[1]}\t_\tX\t_\t_\t{row[2]}\tdep\t_\t_"
    )
    | st.sampled_from(["", "# text = a b", "# text = ab", "# newdoc", "# newdoc id = x", "# sent_id = s", "#", " "])
)


@settings(MODEST, max_examples=150)
@given(st.lists(LINE, max_size=8))
def test_lines_like_those_of_conllu(tmp_path: Path, lines: list[str]) -> None:
    TARGETS["conllu"].check("\n".join(lines).encode(), tmp_path)


@MODEST
@given(st.lists(st.dictionaries(st.sampled_from(["text", "id", "x"]), JSON), max_size=3))
def test_lines_of_json(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    TARGETS["jsonl"].check("\n".join(map(json.dumps, rows)).encode(), tmp_path)


KINDS = (
    pa.int8(), pa.uint64(), pa.float32(), pa.bool_(), pa.null(), pa.date32(), pa.date64(), pa.time32("s"),
    pa.time64("ns"), pa.timestamp("ns"), pa.timestamp("us", tz="UTC"), pa.timestamp("us", tz="no zone"),
    pa.duration("s"), pa.duration("ns"), pa.decimal128(5, 2), pa.binary(), pa.large_string(), pa.string(),
    pa.list_(pa.string()), pa.struct([("a", pa.int64())]), pa.map_(pa.string(), pa.int8()),
    pa.dictionary(pa.int8(), pa.string()),
)  # fmt: skip


@pytest.mark.parametrize("column", ["text", "id"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_columns_of_any_type(tmp_path: Path, kind: pa.DataType, column: str) -> None:
    width = kind.bit_width if pa.types.is_primitive(kind) else 0
    data = [pa.nulls(2, kind)]
    if width > 1:
        raw = pa.py_buffer(bytes([255] * (width // 8 - 1) + [127]) + bytes(width // 8))
        data.append(pa.Array.from_buffers(kind, 2, [None, raw]))
    for values in data:
        try:
            file = parquet(pa.table({"text": ["One.", "Two."]} | {column: values}))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue  # such a file cannot be
        TARGETS["parquet"].check(file, tmp_path)


@pytest.mark.parametrize("name", COMPRESSED)
def test_every_end_of_a_compressed_file(tmp_path: Path, name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        for end in range(len(seed)):
            target.check(seed[:end], tmp_path)


def test_every_end_of_an_annotation_file(tmp_path: Path) -> None:
    whole = annotations()
    for end in range(0, len(whole), 7):
        TARGETS["annotations"].check(whole[:end], tmp_path)


def test_a_bomb_is_read_as_a_stream(tmp_path: Path) -> None:
    TARGETS["txt.gz"].check(gzip.compress(b"\0" * 20_000_000), tmp_path)


def test_a_broken_promise_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.corpus.readers.json.loads", lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        TARGETS["jsonl"].check(TARGETS["jsonl"].seeds[0], tmp_path)
