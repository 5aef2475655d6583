import bz2
import gzip
import http.server
import json
import pickle
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from hashlib import blake2b
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from attnmetrics.corpus import DOCUMENT_LIMIT, Document, digest, find_files, is_gold, is_gold_corpus, read_documents
from attnmetrics.corpus.document import cut
from attnmetrics.corpus.omissions import Omissions
from attnmetrics.corpus.readers import LINE_LIMIT
from attnmetrics.errors import CorpusError

ZIPPED = gzip.compress(b"one", mtime=0)
"""Whose bytes name tests: every process that collects them must have the same."""

COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.compress, ".zstd": zstandard.compress}
CONLLU_WORD = "1\tHi\thi\tINTJ\t_\t_\t0\troot\t_\t_\n"
ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def write(path: Path, content: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def write_parquet(path: Path, **columns: object) -> str:
    pq.write_table(pa.table(columns), path)
    return str(path)


def read(*paths: str, **options: object) -> list[tuple[str, str, int]]:
    return [(d.id, d.text, d.line) for d in read_documents(paths, **options)]  # type: ignore[arg-type]


def message(*paths: str, **options: object) -> str:
    with pytest.raises(CorpusError) as error:
        read(*paths, **options)
    return str(error.value)


# Formats


def test_a_text_file_is_a_document(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "First line.\r\n\r\nSecond\x00\x07 line. \n")
    (document,) = read_documents([path])
    assert document == Document("a.txt", "First line.\r\n\r\nSecond\x00\x07 line. \n", False, path, 1)


def test_blank_lines_separate_documents(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\n \none\ntwo\n\n\t\n\nthree\n  four")
    assert read(path, text_documents="blank-line") == [("a.txt:3", "one\ntwo\n", 3), ("a.txt:8", "three\n  four", 8)]


def test_json_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        '{"id": "x", "text": "one", "more": [1]}\n\n{"id": 7, "text": "two\\u2028\\ud83d\\ude00"}\r\n'
        '{"text": "three"}\n{"id": null, "text": "four"}\n{"id": "", "text": "five"}',
    )
    assert read(path) == [
        ("x", "one", 1),
        ("7", "two\u2028\N{GRINNING FACE}", 3),
        ("a.jsonl:4", "three", 4),
        ("a.jsonl:5", "four", 5),
        ("a.jsonl:6", "five", 6),
    ]


def test_fields_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", '{"key": 3, "body": "one"}\n')
    assert read(path, id_field="key", text_field="body") == [("3", "one", 1)]


def test_rows_without_a_text_are_left_out(tmp_path: Path) -> None:
    rows = '{"id": 1}\n\n{"text": "two"}\n{"text": null}\n{"text": "four"}\n{"text": " "}'
    lines, table = write(tmp_path / "a.jsonl", rows), write_parquet(tmp_path / "b.parquet", text=["x", None, ""])
    left_out = Omissions()
    assert [document.text for document in read_documents([lines, table], left_out=left_out)] == ["two", "four", "x"]
    assert left_out.counts == {"documents_without_text": 3, "documents_blank": 2}
    assert left_out.first == {"documents_without_text": f"{lines}, line 1"}


def test_a_field_that_no_row_has_is_refused_soon(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"body": "x"}\n' * 1_000 + '{"text": "late"}\n')
    assert f"{path}, line 1: expected the field 'text' with the text, found the fields 'body'" in message(path)
    path = write(tmp_path / "b.jsonl", '{"body": "x"}\n' * 999 + '{"text": "in time"}\n')
    assert read(path) == [("b.jsonl:1000", "in time", 1000)]


def test_fields_within_fields(tmp_path: Path) -> None:
    records = [{"t": {"en": "one", "de": "eins"}, "m": {"id": 7}}, {"t": None}, {"t": {"de": "drei"}}, {"t.en": "four"}]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, records)))
    assert read(path, text_field="t.en", id_field="m.id") == [("7", "one", 1), ("a.jsonl:4", "four", 4)]
    assert "expected the field 'text' with the text, found the fields 't.en', 't.de', 'm.id'" in message(path)
    assert "the field 't' with the text, found the fields 't.en', 't.de'; name the" in message(path, text_field="t")
    path = write_parquet(tmp_path / "a.parquet", t=[{"en": "one", "de": "eins"}, None, {"de": "drei"}])
    assert read(path, text_field="t.en") == [("a.parquet:1", "one", 1)]
    assert "expected the field 't.fr' with the text, found the columns 't.en', 't.de'" in message(
        path, text_field="t.fr"
    )


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_rows_of_parquet_are_documents_named_by_row(tmp_path: Path, kind: pa.DataType) -> None:
    texts = pa.array([f"text {n}" for n in range(150)]).cast(kind)
    path = write_parquet(tmp_path / "a.parquet", text=texts, id=list(range(150)), other=[1.0] * 150)
    assert read(path) == [(str(n), f"text {n}", n + 1) for n in range(150)]
    path = write_parquet(tmp_path / "b.parquet", body=texts)
    assert read(path, text_field="body", max_documents=2) == [
        ("b.parquet:1", "text 0", 1),
        ("b.parquet:2", "text 1", 2),
    ]


def test_conllu_documents(tmp_path: Path) -> None:
    head = f"# sent_id = 0\n{CONLLU_WORD}\n"
    one = f"# newdoc id = one\n# sent_id = 1\n{CONLLU_WORD}\n\n# sent_id = 2\n{CONLLU_WORD}\n"
    two = f"# newdoc\n{CONLLU_WORD}"
    path = write(tmp_path / "a.conllu", head + one + two)
    documents = list(read_documents([path]))
    assert [(d.id, d.text, d.line) for d in documents] == [("a", head, 1), ("one", one, 4), ("a:12", two, 12)]
    assert [d.loose for d in documents] == [True, False, False]
    assert all(d.gold and d.path == path for d in documents)


def test_a_long_conllu_document_is_cut_between_sentences(tmp_path: Path) -> None:
    sentence = f"# text = Hi\n{CONLLU_WORD}\n"
    number = 2 * DOCUMENT_LIMIT // len(sentence) + 10
    left_out = Omissions()
    documents = list(read_documents([write(tmp_path / "a.conllu", sentence * number)], left_out=left_out))
    assert [d.id for d in documents] == ["a", "a#2", "a#3"]
    assert "".join(d.text for d in documents) == sentence * number
    first = documents[0].text.count("# text")
    assert [d.line for d in documents] == [1, 1 + 3 * first, 1 + 6 * first]
    assert all(d.text.startswith("# text") and len(d.text) <= DOCUMENT_LIMIT for d in documents)
    assert left_out.counts == {"documents_split": 1}
    assert all(d.loose for d in documents)


def test_fields_of_entities_hold_for_the_rest_of_a_conllu_file(tmp_path: Path) -> None:
    def named(number: int, fields: str = "") -> str:
        return f"# newdoc id = {number}\n{fields}{CONLLU_WORD}\n"

    first, second = ("# global.Entity = GRP-etype\n", "#global.Entity=eid-etype-head\n")
    text = named(0) + named(1, first) + named(2) + named(3, second) + named(4)
    paths = [write(tmp_path / name, text) for name in ("a.conllu", "b.conllu")]
    fields = [document.entity_fields for document in read_documents(paths)]
    assert fields == ["", "", "GRP-etype", "GRP-etype", "eid-etype-head"] * 2


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.conllu"])
def test_compressed_files_give_the_same_documents(tmp_path: Path, name: str, ending: str) -> None:
    content = {"a.txt": "Straße \N{GRINNING FACE}\n" * 30_000, "a.conllu": f"{CONLLU_WORD}\n" * 9}.get(
        name, '{"text": "x"}\n'
    )
    plain = read(write(tmp_path / name, content))
    half = len(content.encode()) // 2
    two_members = b"".join(COMPRESS[ending](part) for part in (content.encode()[:half], content.encode()[half:]))
    assert read(write(tmp_path / (name + ending), two_members)) == plain


def compress_with_long_window(content: bytes) -> bytes:
    """One zstd frame whose header asks for a window of 256 MiB."""
    parameters = zstandard.ZstdCompressionParameters(window_log=28, hash_log=6, chain_log=6, search_log=1, strategy=1)
    state = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    frame = state.compress(content) + state.flush()
    assert zstandard.get_frame_parameters(frame).window_size == 1 << 28
    return frame


def test_zstd_with_a_long_window(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt.zst", compress_with_long_window(b"one"))
    assert read(path) == [("a.txt", "one", 1)]


def test_a_window_that_is_larger_than_the_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt.zst", compress_with_long_window(b"one"))
    code = (
        "import resource, zstandard\n"
        "from attnmetrics.corpus import read_documents\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20),) * 2)\n"
        f"list(read_documents([{path!r}]))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "expected 269 MB of free memory for the window of its zstd data, found less" in found.stderr


def test_tape_padding_after_gzip(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt.gz", gzip.compress(b"one") + b"\0" * 5_000)) == [("a.txt", "one", 1)]


def test_a_format_given_overrides_the_ending(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log.gz", gzip.compress(b'{"text": "one"}\n'))
    assert read(path, format="jsonl") == [("a.log:1", "one", 1)]
    assert (
        is_gold("x.conllu.gz")
        and is_gold("x.dat", "conllu")
        and not is_gold("x.jsonl")
        and not is_gold("x.conllu", "text")
    )


def test_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.txt", b"\xef\xbb\xbfone")) == [("a.txt", "one", 1)]


# Long documents


@given(st.lists(st.text("ab \n\t", max_size=9)), st.integers(1, 12))
def test_cut_pieces_join_to_the_text_whatever_the_chunks(chunks: list[str], limit: int) -> None:
    pieces = list(cut(chunks, limit))
    assert "".join(pieces) == "".join(chunks)
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert pieces == list(cut(["".join(chunks)], limit))


def test_where_a_text_is_cut() -> None:
    assert list(cut(["aa\n \nb\nb cc dd"], 9)) == ["aa\n \n", "b\nb cc dd"]
    assert list(cut(["aa bb\ncc dd ee"], 9)) == ["aa bb\n", "cc dd ee"]
    assert list(cut(["aa bb cc dd"], 9)) == ["aa bb cc ", "dd"]
    assert list(cut(["aaaaaaaaaaaa"], 9)) == ["aaaaaaaaa", "aaa"]


def test_a_long_document_becomes_several(tmp_path: Path) -> None:
    left_out = Omissions()
    text = "word " * 99_999 + "\n\n" + "next " * 30_000
    path = write(tmp_path / "a.txt", text)
    documents = list(read_documents([path], left_out=left_out))
    assert [(d.id, d.line) for d in documents] == [("a.txt", 1), ("a.txt#2", 3)]
    assert [d.text for d in documents] == ["word " * 99_999 + "\n\n", "next " * 30_000]
    assert left_out.counts == {"documents_split": 1}
    path = write(tmp_path / "a.jsonl", json.dumps({"id": "x", "text": text}))
    assert [(d.id, d.line) for d in read_documents([path])] == [("x", 1), ("x#2", 1)]


@pytest.mark.parametrize("options", [{}, {"text_documents": "blank-line"}])
def test_memory_is_bounded_for_one_endless_line(tmp_path: Path, options: dict[str, str]) -> None:
    path = tmp_path / "a.txt.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(30):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    sizes = [len(d.text) for d in read_documents([path], **options)]  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) == 30_000_000 and max(sizes) == DOCUMENT_LIMIT
    assert peak < 12_000_000


def test_an_endless_json_line_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl.gz", gzip.compress(b"[" + b"1," * (LINE_LIMIT // 2 + 300_000), 1))
    assert "line 1: expected one JSON object per line, found a line of more than 20,000,000 characters" in message(path)


# Blank documents, counts


def test_blank_documents_are_counted(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.txt", ""), write(tmp_path / "b.txt", " \n\n"), write(tmp_path / "c.txt", "x")]
    paths += [write(tmp_path / "d.jsonl", '{"text": " "}\n{"text": ""}'), write(tmp_path / "e.txt", b"\xef\xbb\xbf")]
    left_out = Omissions()
    assert [d.id for d in read_documents(paths, left_out=left_out)] == ["c.txt"]
    assert left_out.counts == {"documents_blank": 5}
    left_out = Omissions()
    assert [d.id for d in read_documents(paths, text_documents="blank-line", left_out=left_out)] == ["c.txt:1"]
    assert left_out.counts == {"documents_blank": 5}
    paths = [write(tmp_path / "f.conllu", f"# newdoc id = 1\n\n# newdoc id = 2\n{CONLLU_WORD}\n# newdoc id = 3\n")]
    left_out = Omissions()
    assert [d.id for d in read_documents(paths, left_out=left_out)] == ["2"]
    assert left_out.counts == {"documents_blank": 2}


def test_max_documents(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "one"}\n{"text": ""}\n{"text": "two"}\n{"text": "three"}\nbroken')
    assert [text for _, text, _ in read(path, max_documents=2)] == ["one", "two"]


# Paths


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.txt", "a/c.txt", "a/b/d.jsonl", "z.md", ".hidden.txt", ".git/e.txt", "c.txt.gz"):
        content = '{"text": "x"}' if name.endswith("jsonl") else "x"
        write(tmp_path / name, gzip.compress(b"x") if name.endswith("gz") else content)
    return tmp_path


def test_a_folder_is_read_in_order(tree: Path) -> None:
    left_out = Omissions()
    documents = list(read_documents([tree], left_out=left_out))
    assert [d.id for d in documents] == ["a/b/d.jsonl:1", "a/c.txt", "b.txt", "c.txt"]
    assert left_out.counts == {"files_unknown": 1}
    assert [d.id for d in read_documents([tree], format="text")] == ["a/b/d.jsonl", "a/c.txt", "b.txt", "c.txt", "z.md"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.txt", ["b.txt"]),
        ("*", ["b.txt", "c.txt"]),
        ("**/*.txt", ["a/c.txt", "b.txt"]),
        ("**", ["a/b/d.jsonl", "a/c.txt", "b.txt", "c.txt"]),
        ("a/[bc]*", ["c.txt"]),
        ("?/*/*.jsonl", ["a/b/d.jsonl"]),
    ],
)
def test_a_pattern_finds_what_it_matches(tree: Path, pattern: str, names: list[str]) -> None:
    assert [file.name for file in find_files([f"{tree}/{pattern}"])] == names


def test_a_file_with_a_wildcard_in_its_name_is_itself(tmp_path: Path) -> None:
    write(tmp_path / "a1.txt", "no")
    assert read(write(tmp_path / "a[1].txt", "yes")) == [("a[1].txt", "yes", 1)]


def test_a_file_given_twice_is_read_once(tree: Path) -> None:
    left_out = Omissions()
    names = [file.name for file in find_files([tree / "b.txt", tree], left_out=left_out)]
    assert names == ["b.txt", "a/b/d.jsonl", "a/c.txt", "c.txt"]
    assert left_out.counts == {"files_repeated": 1, "files_unknown": 1}


def test_links_in_a_circle_end(tree: Path) -> None:
    (tree / "a" / "up").symlink_to(tree)
    assert [file.name for file in find_files([tree])] == [
        "a/b/d.jsonl",
        "a/c.txt",
        "b.txt",
        "c.txt.gz".removesuffix(".gz"),
    ]


def test_file_urls_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a b.txt", "x")
    assert read(f"file://{tmp_path}/a%20b.txt") == [("a b.txt", "x", 1)]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read("~/a b.txt") == [("a b.txt", "x", 1)]


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()


def test_memory_urls(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/data/a.txt", b"one")
    memory.pipe("/data/sub/b.txt.zst", zstandard.compress(b"two"))
    memory.pipe("/data/.c.txt", b"three")
    assert read("memory://data/a.txt") == [("a.txt", "one", 1)]
    assert read("memory://data") == [("a.txt", "one", 1), ("sub/b.txt", "two", 1)]
    assert read("memory://data/**/*.zst") == [("sub/b.txt", "two", 1)]
    assert [d.path for d in read_documents(["memory://data/*"])] == ["memory:///data/a.txt"]
    assert message("memory://data/x.txt").startswith("cannot read memory://data/x.txt: it does not exist")
    assert message("memory://data/*.jsonl").startswith("memory://data/*.jsonl matches no file")


class _Server(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, with or without parts of files."""

    ranges = False

    def log_message(self, format: str, *args: object) -> None:
        pass

    def end_headers(self) -> None:
        if self.ranges:
            self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        if not (self.ranges and asked):
            super().do_GET()
            return
        data = Path(self.translate_path(self.path)).read_bytes()
        first, last = asked.removeprefix("bytes=").split("-")
        part = data[int(first) : int(last or len(data)) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


@pytest.fixture(params=[False, True], ids=["whole", "ranges"])
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    handler = type("Handler", (_Server,), {"ranges": request.param})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_web_server(tmp_path: Path, served: str) -> None:
    text = "A line that is read from a web server.\n" * 200_000
    write(tmp_path / "data/a b.txt", text)
    write(tmp_path / "data/c.jsonl.gz", gzip.compress(b'{"text": "one"}\n' * 3))
    write_parquet(tmp_path / "data/d.parquet", text=["two"])
    assert "".join(d.text for d in read_documents([f"{served}/data/a%20b.txt"])) == text
    assert read(f"{served}/data/c.jsonl.gz?download=1") == [(f"c.jsonl:{n}", "one", n) for n in (1, 2, 3)]
    assert read(f"{served}/data/d.parquet") == [("d.parquet:1", "two", 1)]
    assert read(f"{served}/data/*.parquet") == [("d.parquet:1", "two", 1)]
    assert [file.format for file in find_files([f"{served}/data/"])] == ["text", "jsonl", "parquet"]
    missing = message(f"{served}/data/e.txt")
    assert missing.startswith(f"cannot read {served}/data/e.txt: ") and "404" in missing


def test_a_server_that_does_not_answer() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        port = server.server_port
    found = message(f"http://127.0.0.1:{port}/a.txt")
    assert (
        found.startswith(f"cannot read http://127.0.0.1:{port}/a.txt: ") and "check the address, the network" in found
    )


def test_unknown_protocols_and_missing_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "foo:// is no protocol that fsspec knows; expected e.g. http://" in message("foo://a/b.txt")
    monkeypatch.setitem(sys.modules, "adlfs", None)
    assert "the driver of az:// is not installed" in (found := message("az://a/b.txt")) and "pip install adlfs" in found


# Bad input


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"one\ntw\xe9o", "line 2: expected UTF-8 text, found the bytes e9 6f at byte 6; convert it"),
        ("a.txt", b"one\xe2\x82", "line 1: expected UTF-8 text, found the bytes e2 82 at byte 3"),
        ("a.txt", "one".encode("utf-16"), "at byte 0; it looks like UTF-16: convert it with iconv"),
        ("a.txt", ZIPPED, "it looks like gzip"),
        ("a.jsonl", '{"text": "x"}\n{"text" 1}', "line 2: expected one JSON object per line, found '{\"text\" 1}'"),
        ("a.jsonl", '[{"text": "x"}]', "line 1: expected one JSON object per line, found an array"),
        ("a.jsonl", '"x"', "line 1: expected one JSON object per line, found a string"),
        ("a.jsonl", "[" * 100_000, "line 1: expected one JSON object per line"),
        ("a.jsonl", '{"text": "x", "id": ' + "1" * 5000 + "}", "line 1: expected one JSON object per line"),
        ("a.jsonl", '{"text": 3}', "line 1: expected a string in the field 'text', found a number"),
        ("a.jsonl", '{"text": null}', "expected a document with text in"),
        ("a.jsonl", '{"a": {"b": 1}}', "line 1: expected the field 'text' with the text, found the fields 'a.b'"),
        ("a.jsonl", '{"text": "x", "id": true}', "expected a string or an integer in the field 'id', found a Boolean"),
        (
            "a.jsonl",
            '\n{"body": "x", "n": 1}',
            "line 2: expected the field 'text' with the text, found the fields 'body', 'n'",
        ),
        ("a.jsonl", "{}", "expected the field 'text' with the text, found the fields none"),
        (
            "a.jsonl",
            '{"text": "a\\ud800"}',
            "line 1: expected Unicode text in the field 'text', found half of a surrogate",
        ),
        ("a.jsonl", '{"id": "\\uDC00", "text": "a"}', "in the field 'id', found half of a surrogate pair, \\udc00"),
        ("a.txt.gz", ZIPPED[:-9], "expected gzip data, found damaged ones (it ends too early)"),
        ("a.txt.gz", b"", "expected gzip data, found damaged ones (it ends too early)"),
        ("a.txt.gz", ZIPPED + b"more", "expected gzip data, found damaged ones"),
        ("a.txt.bz2", bz2.compress(b"one" * 999)[:-9], "expected bzip2 data, found damaged ones (it ends too early)"),
        ("a.txt.bz2", b"one", "expected bzip2 data, found damaged ones"),
        ("a.txt.zst", zstandard.compress(b"one" * 999)[:-3], "expected zstd data, found damaged ones"),
        ("a.txt.zst", b"one two three", "expected zstd data, found damaged ones"),
        ("a.parquet", b"PAR1 and no more PAR1", "expected a Parquet file, found a damaged or foreign one"),
        ("a.parquet", b"", "expected a Parquet file, found a damaged or foreign one"),
        ("a.parquet.gz", b"", "is Parquet within gzip; expected plain Parquet"),
        ("a.dat", b"one", "cannot tell the format"),
        ("a.txt", b" \n", "the corpus is empty: expected a document with text"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    path = write(tmp_path / name, content)
    found = message(path)
    assert path in found and expected in found


def test_bad_parquet_columns(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", body=["x"], n=[1])
    assert "expected the field 'text' with the text, found the columns 'body', 'n'" in message(path)
    path = write_parquet(tmp_path / "a.parquet", text=[1])
    assert f"{path}, row 1: expected a string in the field 'text', found a number" in message(path)
    path = write_parquet(tmp_path / "a.parquet", text=["x"], id=[1.5])
    assert "expected a string or an integer in the field 'id', found a number" in message(path)


def test_an_offset_far_into_the_file(tmp_path: Path) -> None:
    content = b"0123456789\n" * 100_000 + b"\xff"
    assert "line 100001: expected UTF-8 text, found the bytes ff at byte 1,100,000" in message(
        write(tmp_path / "a.txt", content)
    )


def test_bad_paths(tmp_path: Path) -> None:
    assert message() == "expected at least one path of a corpus, found none; give files, folders, globs or URLs"
    assert f"{tmp_path}/a.txt does not exist; expected a file, a folder, a glob or a URL" in message(
        f"{tmp_path}/a.txt"
    )
    assert "the empty path does not exist" in message("")
    assert "cannot look up 'a\\x00b'" in message("a\0b")
    assert "cannot look up" in message("a" * 5000)
    assert (
        message(str(tmp_path))
        == f"{tmp_path} is an empty folder; expected at least one file: check the path, quote globs"
    )
    assert f"{tmp_path}/*.txt matches no file" in message(f"{tmp_path}/*.txt")
    write(tmp_path / "a.md", "x")
    assert f"no file in {tmp_path} has an ending of a known format" in (found := message(str(tmp_path)))
    assert f"e.g. {tmp_path}/a.md" in found and "--format" in found


def test_paths_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one")
    with pytest.raises(CorpusError, match=r"b\.txt does not exist"):
        read_documents([path, f"{tmp_path}/b.txt"])


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.txt", "one")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert message(path) == f"cannot read {path}: permission denied (check the rights of the file and of its folders)"
    monkeypatch.setattr("os.scandir", refuse)
    assert message(str(tmp_path)).startswith(f"cannot list the folder {tmp_path}: permission denied")


def test_gold_and_text_do_not_mix(tmp_path: Path) -> None:
    gold, text = write(tmp_path / "a.conllu", CONLLU_WORD), write(tmp_path / "b.txt", "x")
    assert is_gold_corpus([gold]) and not is_gold_corpus([text])
    assert f"found both: {gold} is CoNLL-U, {text} is not" in message(str(tmp_path))


@ANY
@given(
    st.binary(max_size=300) | st.text(max_size=200).map(str.encode),
    st.sampled_from([".txt", ".jsonl", ".conllu", ".parquet"]),
    st.sampled_from(["", *COMPRESS]),
    st.booleans(),
)
def test_any_bytes_give_documents_or_a_corpus_error(
    tmp_path: Path, content: bytes, ending: str, compression: str, packed: bool
) -> None:
    content = COMPRESS[compression](content) if compression and packed else content
    path = write(tmp_path / f"a{ending}{compression}", content)
    for mode in ("file", "blank-line"):
        try:
            documents = list(read_documents([path], text_documents=mode))  # type: ignore[arg-type]
        except CorpusError as error:
            assert path in str(error)
        else:
            assert documents and all(d.text.encode() and not d.text.isspace() for d in documents)


@ANY
@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1).filter(lambda t: not t.isspace())), min_size=1))
def test_json_and_parquet_give_back_what_was_written(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"id": name, "text": text}) for name, text in rows]
    paths = [write(tmp_path / "a.jsonl", "\n".join(lines))]
    paths += [write_parquet(tmp_path / "a.parquet", id=[name for name, _ in rows], text=[text for _, text in rows])]
    for path in paths:
        assert [(name, text) for name, text, _ in read(path)] == rows


# Digest


def test_digest_is_blake2b_of_lengths_and_parts() -> None:
    parts = [b"text", (1).to_bytes(8, "little"), b"a", (2).to_bytes(8, "little"), "é".encode()]
    assert digest([Document("a", "é")]) == blake2b(b"".join(parts), digest_size=16).hexdigest()


@given(st.lists(st.tuples(st.text(), st.text()), unique=True, min_size=2, max_size=2))
def test_different_documents_have_different_digests(pairs: list[tuple[str, str]]) -> None:
    first, second = (Document(*pair) for pair in pairs)
    digests = [digest(d) for d in ([first], [second], [first, second], [second, first], [])]
    assert len(set(digests)) == 5


def test_all_that_decides_the_annotation_of_conllu_is_in_the_digest() -> None:
    documents = [
        Document("a", "b", True, loose=loose, entity_fields=fields) for loose in (0, 1) for fields in ("", "x")
    ]
    assert len({digest([document]) for document in documents}) == 4


def test_a_document_is_pickled_whole() -> None:
    document = Document("a", "b", True, "x", 7, True, "GRP", ("news",))
    assert pickle.loads(pickle.dumps(document)) == document
    assert all(getattr(document, field.name) != field.default for field in fields(Document))


def test_digest_ignores_where_a_document_lies() -> None:
    assert digest([Document("a", "b", False, "x", 1)]) == digest([Document("a", "b", False, "y", 2)])


def test_reading_imports_nothing_heavy(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "x")
    code = (
        "import sys; from attnmetrics.corpus import read_documents; list(read_documents([sys.argv[1]])); "
        "assert not {'spacy', 'torch', 'ray', 'pandas', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)
