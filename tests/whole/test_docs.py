"""What the README and the pages of docs/ name is there, and what they show works."""

import ast
import re
import shlex
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from prose import ROOT, anchors, blocks, broken_links, inline, known_to_make, paths_nowhere, read, targets_of_make
from typer.main import get_command

import attnmetrics
from attnmetrics import plot, views
from attnmetrics.annotation.conllu import ConlluAnnotator
from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.sources import read_label, read_link
from attnmetrics.cli import app, spread
from attnmetrics.config import RunConfig, build_config
from attnmetrics.corpus import Document

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = (README, *sorted(DOCS.glob("*.md")))
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
COMMANDS = get_command(app).commands

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
OF_OTHERS = {"--working-dir", "--trials", "--shards"}
"""Ray's, and those of `attnmetrics.benchmark.differences`."""
PICTURE_BYTES = 700_000
"""All pictures together."""

TREEBANK = """1	cats	cat	NOUN	_	_	2	nsubj	_	_
2	admire	admire	VERB	_	_	0	root	_	_
3	elephants	elephant	NOUN	_	_	2	obj	_	_
4	!	!	PUNCT	_	_	2	punct	_	_
"""


@EACH
def test_every_path_is_there(page: Path, demo_run: Path) -> None:
    assert list(paths_nowhere(page, ROOT, ROOT / "attnmetrics", demo_run)) == []


@EACH
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One page\n\n## How exact, how `fast`\n")
    page = tmp_path / "page.md"
    page.write_text("[a](other.md#how-exact-how-fast) [b](other.md#gone) [c](gone.md) [d](#here)\n\n## Here\n")
    assert list(broken_links(page)) == ["other.md#gone", "gone.md"]


def test_the_readme_leads_to_every_page() -> None:
    assert {page.name for page in PAGES[1:]} <= set(re.findall(r"\]\(docs/([\w.]+)", read(README)))


def test_every_picture_is_shown_and_small() -> None:
    pictures = [*(DOCS / "pictures").glob("*.png")]
    text = "".join(map(read, PAGES))
    assert {picture.name for picture in pictures if f"pictures/{picture.name})" not in text} == set()
    assert 0 < sum(picture.stat().st_size for picture in pictures) < PICTURE_BYTES


@EACH
def test_every_target_of_make_is_there(page: Path) -> None:
    assert targets_of_make(page) <= known_to_make()
    assert page != README or {"demo", "test"} <= targets_of_make(page)


def test_every_file_of_a_run_is_told_of(demo_run: Path) -> None:
    names = {path.name for path in demo_run.iterdir() if not path.name.startswith(".")}
    text = read(DOCS / "runs.md")
    assert {name for name in names if f"`{name}" not in text} == set()


# ---- commands


@EACH
def test_every_flag_is_there(page: Path) -> None:
    flags = {flag for command in COMMANDS.values() for option in command.params for flag in option.opts}
    assert set(FLAG.findall(read(page))) <= flags | OF_OTHERS


@EACH
def test_every_command_is_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for line in commands(page):
        understand(line)


@pytest.mark.parametrize("line", ["attnmetrics gone", "attnmetrics show", "attnmetrics show RUN --gone"])
def test_a_command_that_is_not_understood_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"gone|Missing"):
        understand(line)


def commands(page: Path) -> list[str]:
    """Every command of ours that the page shows; of those in its prose, those with arguments."""
    shown = "\n".join(blocks(page, "bash", "text")).replace("\\\n", " ")
    in_prose = [one for one in inline(page) if re.match("attnmetrics [a-z]+ .", one)]
    return [*re.findall(r"^(?:\$ )?(attnmetrics .*)$", shown, re.MULTILINE), *in_prose]


def understand(line: str) -> None:
    """Parse a command, where N stands for a number, and check what it says of a run."""
    _, name, *arguments = ["3" if word == "N" else word for word in shlex.split(line, comments=True)]
    given = COMMANDS[name].make_context(name, spread(arguments)).params
    if name in ("run", "plan"):
        values = {field: value for field, value in given.items() if field in RunConfig.model_fields and value}
        build_config(values, given["config"])


# ---- Python


@EACH
def test_what_is_called_in_python_is_there(page: Path) -> None:
    known = {"attnmetrics": attnmetrics, "views": views, "plot": plot}
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
                assert hasattr(known[node.value.id], node.attr), block


def test_the_functions_shown_give_a_label_and_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (module,) = (block for block in blocks(DOCS / "corpora.md", "python") if "def siblings" in block)
    (tmp_path / "my_words.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    sentences = ConlluAnnotator({}).annotate([Document("d", TREEBANK, True, "a.conllu", 1)]).sentences
    functions = Functions.find(["python:my_words:length", "python:my_words:siblings"])
    label = read_label("python:my_words:length", sentences, functions)
    assert list(label.values()) == ["short", "short", "long", "short"]
    link = read_link("python:my_words:siblings", sentences, functions)
    pairs = list(zip(link.attending.tolist(), link.attended.tolist(), strict=True))
    assert pairs == [(0, 2), (0, 3), (2, 0), (2, 3), (3, 0), (3, 2)]


# ---- every result


def test_the_page_of_results_is_as_results_describe_themselves() -> None:
    assert script("results").page() == read(DOCS / "results.md"), "write it anew: make docs"


def test_every_result_of_a_run_is_on_the_page(demo_run: Path) -> None:
    names = {str(name).removesuffix("_by_layer") for name in attnmetrics.load(demo_run)}
    assert len(names) > 100
    assert names <= anchors(DOCS / "results.md")


def script(name: str) -> Any:
    """A program of docs/."""
    spec = spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec and spec.loader
    found = module_from_spec(spec)
    sys.modules[spec.name] = found  # where dataclasses look for it
    spec.loader.exec_module(found)
    return found


# ---- architectures

SWEPT = """| architecture | how | largest difference | why |
|---|---|---|---|
| bart | equal lengths | 7e-07 |  |
| mamba | refused | nan | expected attention weights, found none |

1 equal lengths, 1 refused
"""
SWEPT_LATER = "| bart | fast | 2e-07 |  |\n| zamba | not built | nan | ValueError: no such layer |\n"


def test_the_tables_of_architectures_are_those_of_the_last_sweep() -> None:
    page = script("architectures").write("# A\n<!-- tables -->\nold\n<!-- end -->\nend\n", [SWEPT, SWEPT_LATER])
    assert page.startswith("# A\n<!-- tables -->\n\n3 architectures; of 2 a small model was built:\n")
    assert page.endswith("<!-- end -->\nend\n") and "old" not in page and "equal lengths" not in page
    for row in ("bart | fast | 2e-07 | ", "mamba | refused | – | expected attention weights, found none"):
        assert f"| {row} |\n" in page
    assert [page.count(f"| {way} | 1 |") for way in ("fast", "refused", "not built")] == [1, 1, 1]


def test_the_page_of_architectures_counts_its_rows() -> None:
    page = read(DOCS / "architectures.md")
    assert script("architectures").write(page, [page]) == page
    assert len(script("architectures").read([page])) > 100
