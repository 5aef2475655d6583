"""What comes from outside stays data: in the report, the tables, the terminal; and nothing that is loaded runs code."""

import csv
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numcodecs
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import zarr
from models import save_model
from pages import page_data, page_sentences
from safetensors.torch import load_file

import attnmetrics
from attnmetrics.annotation.spacy import SpacyAnnotator
from attnmetrics.assets import MODELS, PIPELINES
from attnmetrics.cli import EXIT_ERROR, EXIT_SHARDS_MISSING, main
from attnmetrics.config import build_config
from attnmetrics.corpus import digest, read_documents
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import AnnotationError, ConfigError, CorpusError, ModelError, StoreError
from attnmetrics.model.load import load_model
from attnmetrics.results.tables import _cell
from attnmetrics.views.page import render
from attnmetrics.views.pieces import visible

# ---- a hostile corpus, from end to end

MARKUP = (
    "<evil onevil=1>e</evil>",
    "</p></td></text></svg></style></title><evil>",
    '" onevil="1" x=\'',
    "--> ]]> <!-- <![CDATA[ <?evil",
    "{{ evil }} {% evil %}",
    r"$\frac{evil}{0}$ $x",
)
ESCAPES = (
    "\x1b[31mred",
    "\x1b]8;;http://evil\x07link\x1b]8;;\x1b\\",
    "\x9b31m \x00 \x08\x7f",
    "\u202eevil\u2066",
    "[link=http://evil]x[/link] [bold]",
    ":warning:",
)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", "\r=1", "a;=1", " =1", "＝1", 'x",=1')
HOSTILE = (*MARKUP, *ESCAPES, *FORMULAS)
NAME = "n<evil onevil=1>\" onevil='1' $x$ \x1b[31m\u202e[link=http:evil]=1\n:warning:"
"""Of files and folders, which can have no slash."""


class Page(HTMLParser):
    """Names of elements and attributes, values of attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.values: set[tuple[str, str]] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}
        self.values |= {(name, value or "") for name, value in attrs}

    def handle_comment(self, data: str) -> None:
        self.names.add("a comment")

    def handle_pi(self, data: str) -> None:
        self.names.add("an instruction")

    def unknown_decl(self, data: str) -> None:
        self.names.add("a declaration")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module", params=[pytest.param(kind, marks=pytest.mark.cluster) for kind in ("conllu", "jsonl")])
def hostile_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a run whose names, corpus, model and pipeline are hostile, and the flags that made it."""
    folder = tmp_path_factory.mktemp("hostile") / NAME
    folder.mkdir()
    corpus = folder / f"{NAME}.{request.param}"
    corpus.write_text(CORPORA[request.param](), encoding="utf-8", newline="")
    for name, place in {"model": MODELS["demo"], "pipeline": PIPELINES["en_ud_core"]}.items():
        (folder / f"{name} {NAME}").symlink_to(place, target_is_directory=True)
    values = {
        "--model": folder / f"model {NAME}",
        "--annotator": folder / f"pipeline {NAME}",
        "--corpus": corpus,
        "--out": folder / "run",
        "--exemplars": len(HOSTILE),
        "--engine": "inline",
    }
    return folder / "run", ["run", *(str(part) for pair in values.items() for part in pair)]


def conllu() -> str:
    """Hostile ids, texts, tags and relations."""
    lines = []
    for number, payload in enumerate(HOSTILE):
        lines += [f"# newdoc id = {payload} {number}", f"# text = The {payload} dog {number}"]
        forms = ["The", payload, "dog", str(number)]
        labels = [HOSTILE[(number + n) % len(HOSTILE)] for n in range(4)]
        rows = zip(forms, labels, (2, 0, 2, 2), reversed(labels), strict=True)
        for word, (form, pos, head, rel) in enumerate(rows, 1):
            lines.append(f"{word}\t{form}\t_\t{pos}\t_\t_\t{head}\t{rel}\t_\t_")
        lines.append("")
    return "\n".join(lines)


def jsonl() -> str:
    """Hostile ids and texts."""
    rows = [{"id": f"{payload} {n}", "text": f"The {payload} dog {n}."} for n, payload in enumerate(HOSTILE)]
    return "\n".join(map(json.dumps, rows))


CORPORA: dict[str, Callable[[], str]] = {"conllu": conllu, "jsonl": jsonl}


def said(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """What a command prints; nothing in it steers a terminal."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert end.value.code == code, text
    assert not re.search(r"[^\n\x20-\x7e\xa0-\U0010ffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text), text
    return text


def test_a_hostile_corpus_stays_data(
    hostile_run: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str], demo_run: Path
) -> None:
    run, arguments = hostile_run
    assert "[link=http:evil]" in said(capsys, *arguments)
    assert "is finished already" in said(capsys, *arguments)

    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    found, benign = Page(page), Page((demo_run / "report" / "index.html").read_text(encoding="utf-8"))
    assert found.names <= benign.names
    assert not [value for _, value in found.values if "evil" in value]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    exemplars = pd.read_parquet(run / "exemplars.parquet")
    for n, payload in enumerate(HOSTILE):
        (document,) = {name for name in exemplars["document"] if name.endswith(f" {n}")}
        assert document.strip() == f"{payload} {n}".strip()
        texts = exemplars["text"][exemplars["document"] == document]
        assert all(text in f"The {payload} dog {n}." for text in texts), payload
    first = exemplars[(exemplars["rank"] <= 5) & (exemplars["bucket"] == "top")]["document"].unique()
    sources = [source for source, *_ in page_sentences(page)["sentences"]]
    assert len(first) > 10
    assert all(any(source.startswith(f"{visible(document)}, sentence") for source in sources) for document in first)

    for table in (run / "tables").iterdir():
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows}) == 1
        for part in (part for row in rows for cell in row for part in re.split(r"[;\t\r\n]", cell)):
            assert is_number(part) or not part.strip().startswith(("=", "+", "-", "@", "＝")), part

    for view in ([], ["pos_to"], ["dependency_type_to"], ["--layer", "0", "--head", "0"]):
        said(capsys, "show", run, *view)
    for head in range(6):
        said(capsys, "show", run, "--layer", "0", "--head", head, "--exemplars")
    assert "finished" in said(capsys, "status", run)


def test_an_estimate_shows_names_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = tmp_path / f"{NAME}.txt"
    corpus.write_text("The dog.")
    run = ["plan", "--model", "demo", "--engine", "inline", "--out", tmp_path / "run", "--corpus", corpus]
    assert "$x$ ␛[31m�[link=http:evil]=1⏎:warning:" in re.sub(r"[│\n] *", "", said(capsys, *run))


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_labels_of_a_hostile_corpus_come_back(hostile_run: tuple[Path, list[str]]) -> None:
    run, _ = hostile_run
    labels = attnmetrics.load(run)["pos"].values.tolist()
    with (run / "tables" / "pos_to.csv").open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    expected = [f"{label}{end}" for label in labels for end in ("", "_low", "_high")]
    assert [name.replace("'", "") for name in header[2:]] == [name.replace("'", "") for name in expected]
    assert set(HOSTILE) < set(labels) or "NOUN" in labels


def test_a_view_embeds_hostile_text_as_data() -> None:
    data = {"view": "model", "text": HOSTILE}
    found, benign = Page(render(data, "".join(HOSTILE), "auto")), Page(render({"view": "model"}, "", "auto"))
    apart = {name for name, _ in found.values ^ benign.values}
    assert found.names == benign.names and not apart
    assert page_data(render(data, "", "auto"))[0] == {"view": "model", "text": [*HOSTILE]}
    assert "".join(HOSTILE) in found.text


def test_reasons_and_errors_are_printable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tmp_path / f"{NAME}.txt"
    corpus.write_text("The dog.")
    run = ["run", "--model", "demo", "--engine", "inline", "--out", tmp_path / "run", "--corpus"]
    assert "matches no file" in said(capsys, *run, f"{corpus}x", code=EXIT_ERROR)
    bad = tmp_path / "bad.conllu"
    bad.write_text("# sent_id = \x1b[2J\n1\t\x1b[31m\n")
    assert "sentence" in said(capsys, *run, bad, code=EXIT_ERROR)
    assert "Traceback" in said(capsys, *run, bad, "--verbose", code=EXIT_ERROR)
    assert "label" in said(capsys, "show", tmp_path / "run", "--label", NAME, code=EXIT_ERROR)

    def fail(*_: object) -> None:
        raise ValueError("".join(HOSTILE))

    monkeypatch.setattr(Worker, "measure", fail)
    assert "put aside" in said(capsys, *run, corpus, code=EXIT_SHARDS_MISSING)
    assert "is missing" in said(capsys, "status", tmp_path / "run")


@pytest.mark.parametrize("text", [*FORMULAS, "\t=1", "x\t-1", "\n=1", "＋1", "＠x"])
def test_no_cell_begins_a_formula(text: str) -> None:
    written = next(csv.reader([_cell(text)]))[0]
    assert written.replace("'", "") == text
    for part in re.split(r"[;\t\r\n]", written):
        assert not part.strip().startswith(("=", "+", "-", "@", "＝", "＋", "＠")), written


@pytest.mark.parametrize("value", [-0.5, 1e-30, -3, 0, float("-inf")])
def test_numbers_stay_numbers(value: float) -> None:
    assert float(_cell(value)) == value


@pytest.mark.parametrize("text", ["NOUN", "nsubj:pass", "_", "a-b", "it's", "1=2"])
def test_plain_labels_stay_as_they_are(text: str) -> None:
    assert _cell(text) == text


# ---- nothing that is loaded runs code


class Touch:
    """Unpickled, makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def breach(tmp_path: Path) -> Path:
    """What hostile code would make."""
    return tmp_path / "breach"


def test_the_pickle_of_these_tests_works(breach: Path) -> None:
    pickle.loads(pickle.dumps(Touch(breach)))
    assert breach.exists()


def as_bin(folder: Path, weights: dict[str, object]) -> None:
    torch.save(weights, folder / "pytorch_model.bin")


def as_safetensors(folder: Path, weights: dict[str, object]) -> None:
    torch.save(weights, folder / "model.safetensors")


def in_an_index(folder: Path, weights: dict[str, object]) -> None:
    torch.save(weights, folder / "pytorch_model.bin")
    index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(weights, "pytorch_model.bin")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


@pytest.mark.parametrize("place", [as_bin, as_safetensors, in_an_index])
@pytest.mark.parametrize("hostile", [True, False])
def test_weights_are_safetensors_unless_asked(
    tmp_path: Path, breach: Path, place: Callable[[Path, dict[str, object]], None], hostile: bool
) -> None:
    model = save_model(tmp_path / "model", "gpt2")
    weights = dict(load_file(model / "model.safetensors"))
    (model / "model.safetensors").unlink()
    place(model, {**weights, "wte": Touch(breach)} if hostile else weights)
    with pytest.raises(ModelError, match="safetensors"):
        load_model(str(model))
    assert not breach.exists()
    if not hostile and place is not as_safetensors:
        assert load_model(str(model), allow_pickle=True).heads == 4


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": []}', "[" * 9999])
def test_a_damaged_index_is_named(tmp_path: Path, content: str) -> None:
    model = save_model(tmp_path / "model", "gpt2")
    (model / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError, match=r"model\.safetensors\.index\.json can't be read"):
        load_model(str(model))


def change(path: Path, **entries: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


AUTO = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model", "AutoTokenizer": ["evil.Fast", "evil.Fast"]}


@pytest.mark.parametrize(
    ("file", "entries"),
    [
        ("config.json", {"model_type": "evil", "auto_map": AUTO}),
        ("config.json", {"auto_map": AUTO}),
        ("config.json", {"attn_implementation": "evil/kernel", "_attn_implementation": "evil/kernel"}),
        ("tokenizer_config.json", {"auto_map": AUTO}),
        ("tokenizer_config.json", {"auto_map": AUTO, "tokenizer_class": "Fast"}),
    ],
)
def test_code_beside_weights_stays_where_it_is(
    tmp_path: Path, breach: Path, file: str, entries: dict[str, object]
) -> None:
    model = save_model(tmp_path / "model", "gpt2")
    (model / "evil.py").write_text(
        f"import os\nif not os.path.exists({str(breach)!r}): os.mkdir({str(breach)!r})\n"
        "from transformers import GPT2Config as Config, GPT2Model as Model, PreTrainedTokenizerFast as Fast\n"
    )
    change(model / file, **entries)
    try:
        assert load_model(str(model)).heads == 4
    except ModelError as error:
        assert "custom code" in str(error)
    assert not breach.exists()


def test_code_beside_weights_runs_when_asked(tmp_path: Path, breach: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    model = save_model(tmp_path / "model", "gpt2")
    (model / "evil.py").write_text(f"import os\nos.makedirs({str(breach)!r}, exist_ok=True)\nclass Config: pass\n")
    change(model / "config.json", model_type="evil", auto_map=AUTO)
    with pytest.raises(ModelError):
        load_model(str(model), trust_remote_code=True)
    assert breach.exists()


def test_a_pipelines_folder_names_installed_functions_only(tmp_path: Path, breach: Path) -> None:
    folder = tmp_path / "pipeline"
    shutil.copytree(PIPELINES["en_ud_core"], folder)
    code = (
        f"import os, spacy\nos.mkdir({str(breach)!r})\n@spacy.registry.callbacks('evil')\ndef f(): return lambda n: n\n"
    )
    for name in ("__init__.py", "code.py", "functions.py", "conftest.py"):
        (folder / name).write_text(code)
    assert SpacyAnnotator(str(folder)).declared
    text = (folder / "config.cfg").read_text()
    assert "before_creation = null" in text
    text = text.replace("before_creation = null", "").replace(
        "[components]", '[nlp.before_creation]\n@callbacks = "evil"\n\n[components]'
    )
    (folder / "config.cfg").write_text(text)
    with pytest.raises(AnnotationError, match="cannot load the pipeline"):
        SpacyAnnotator(str(folder)).declared  # noqa: B018
    assert not breach.exists()


def test_results_in_a_format_that_may_hold_pickles_are_refused(
    tmp_path: Path, breach: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    place = tmp_path / "results.zarr"
    zarr.open_group(place, mode="w", zarr_format=2)
    zarr.create_array(place, name="pos", shape=(1,), dtype="i8", chunks=(1,), zarr_format=2, compressors=None)
    change(place / "pos" / ".zarray", dtype="|O", fill_value=None, filters=[{"id": "vlen-utf8"}, {"id": "pickle"}])
    (place / "pos" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["pos"]}')
    (place / "pos" / "0").write_bytes(pickle.dumps(Touch(breach)))
    with pytest.raises(StoreError):
        attnmetrics.load(tmp_path)
    assert not breach.exists()
    with pytest.raises(Exception):  # noqa: B017 (what the pickle gives is no array)
        zarr.open_array(place / "pos", mode="r")[...]
    assert breach.exists()


def test_extension_types_of_parquet_are_not_unpickled(tmp_path: Path, breach: Path) -> None:
    hostile = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Touch(breach)),
    }
    schema = pa.schema([pa.field("text", pa.string(), metadata=hostile)])
    pq.write_table(pa.Table.from_arrays([pa.array(["One."])], schema=schema), tmp_path / "a.parquet")
    assert [document.text for document in read_documents([tmp_path / "a.parquet"])] == ["One."]
    assert not breach.exists()


def test_arrays_of_objects_are_not_unpickled(tmp_path: Path, breach: Path) -> None:
    from schemas import small_schema

    from attnmetrics.storage import locate
    from attnmetrics.store.shards import Store

    (tmp_path / "traces").mkdir()
    np.savez(tmp_path / "traces" / "0.npz", weight=np.array([Touch(breach)], dtype=object))
    store = Store(locate(tmp_path), small_schema(), 1, 1)
    assert store.read_traces("0") is None
    assert not breach.exists()


# ---- configuration and corpus: the smallest inputs that once broke a promise


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("!!timestamp x", "line 1"),
        ("a: !!bool x", "line 1"),
        ("\na: !!int ''", "line 2"),
        ("a: 2001-99-99", "line 1, column 4"),
        ("a: !!float x", "line 1"),
        ("seed: 0x" + "f" * 9999, "more than 64 bits"),
        ("[" * 1200, "not valid YAML"),
        ("model: !!python/object/apply:os.mkdir [breach]", "could not determine a constructor"),
    ],
)
def test_yaml_is_read_safely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=expected) as error:
        build_config({}, file)
    assert str(file) in str(error.value) and len(str(error.value)) < 1000
    assert not (tmp_path / "breach").exists()


def test_references_in_yaml_do_not_fill_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    levels = [f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]" for before, after in pairwise("abcdefghijk")]
    file.write_text("\n".join(["a: &a [x]", *levels, "model: *k"]))
    with pytest.raises(ConfigError, match="model: Input should be a valid string") as error:
        build_config({}, file)
    assert len(str(error.value)) < 20_000


def test_many_faults_make_a_short_error(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("".join(f"{'x' * 999}{n}: 1\n" for n in range(999)))
    with pytest.raises(ConfigError, match=r"no such field\n  and 992 more\nfields are address, .*workers$") as error:
        build_config({}, file)
    assert len(str(error.value)) < 3000


def test_file_names_of_any_bytes_make_ids(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/a\xff.txt")).write_text("One.")
    (document,) = read_documents([tmp_path])
    assert document.id == "a\\udcff.txt"
    digest([document])


def test_an_endless_document_id_takes_no_time(tmp_path: Path) -> None:
    file = tmp_path / "a.conllu"
    row = "1\tGo\t_\tVERB\t_\t_\t0\troot\t_\t_\n"
    file.write_text(f"# newdoc id ={' ' * 1_000_000}\n{row}\n# newdoc id ={' ' * 9}b {' ' * 9}\n{row}")
    assert [document.id for document in read_documents([file])] == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(pa.duration("s"), 2**62), (pa.date32(), 2**30), (pa.timestamp("us", tz="Nowhere/X"), 2**60), (pa.float16(), 1)],
)
def test_ids_of_any_type_are_read_or_refused(tmp_path: Path, kind: pa.DataType, value: int) -> None:
    file = tmp_path / "a.parquet"
    values = pa.array([np.float16(1)]) if kind == pa.float16() else pa.array([value], kind)
    pq.write_table(pa.table({"text": ["One."], "id": values}), file)
    with pytest.raises(CorpusError) as error:
        list(read_documents([file]))
    assert str(file) in str(error.value)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["One."])] * 2, names=["text", "text"]), file)
    with pytest.raises(CorpusError, match="exists 2 times"):
        list(read_documents([file]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", json.dumps({f"{n}" * 99: n for n in range(999)})),
        ("a.conllu", "9" * 99_999 + "\t_" * 9),
        ("a.conllu", f"# sent_id = {'s' * 99_999}\n1\tx"),
        ("a.conllu", f"1\tGo\t_\tVERB\t_\t_\t{'0' * 99_999}\troot\t_\t_"),
        ("a.conllu", f"# text = {'x' * 99_999}\n1\t{'y' * 99_999}\t_\tVERB\t_\t_\t0\troot\t_\t_"),
        ("a.conllu", f"1-2\t{'y' * 99_999}" + "\t_" * 8),
        ("a.txt.xz", "x"),
    ],
)
def test_errors_are_short(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(CorpusError) as error:
        list(documents_and_labels(file))
    assert str(file) in str(error.value) and len(str(error.value)) < 1800


def documents_and_labels(file: Path) -> list[object]:
    from attnmetrics.annotation.conllu import parse

    return [sentence for document in read_documents([file]) for sentence in parse(document)]
