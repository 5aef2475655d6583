"""What CONTRIBUTING and the README name is there, and what they show works."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from attnmetrics.annotation.conllu import ConlluAnnotator
from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.sources import read_label, read_link
from attnmetrics.cli import app
from attnmetrics.corpus import Document

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "attnmetrics"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
README = ROOT / "README.md"
PAGES = pytest.mark.parametrize("page", [CONTRIBUTING, README], ids=lambda page: page.name)

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:/|\.(?:csv|html|ipynb|js|json|md|parquet|png|py|sh|toml|yaml|zarr))")
"""A folder's name ends with a slash."""
OF_USERS = re.compile(r"runs/.*|my_words\.py|importance\.zarr|probe\.zarr|comparison\.zarr|(?:tables/)?by_.*|values/")
"""Files of theirs, and of stages that not every run has."""
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
OF_OTHERS = {"--working-dir"}
"""Ray's."""

TREEBANK = """1	cats	cat	NOUN	_	_	2	nsubj	_	_
2	admire	admire	VERB	_	_	0	root	_	_
3	elephants	elephant	NOUN	_	_	2	obj	_	_
4	!	!	PUNCT	_	_	2	punct	_	_
"""


def blocks(page: Path, language: str) -> list[str]:
    """Its blocks of a language."""
    return [text for name, text in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def paths_nowhere(page: Path, *folders: Path) -> Iterator[str]:
    """Paths between backticks that are in none of these folders, nor in one that is named before on the same line."""
    for line in BLOCK.sub("", page.read_text(encoding="utf-8")).splitlines():
        places = [*folders]
        for path in filter(PATH.fullmatch, re.findall(r"`([^`]+)`", line)):
            found = next((place / path for place in places if (place / path).exists()), None)
            if found is not None:
                places.append(found if found.is_dir() else found.parent)
            elif not OF_USERS.fullmatch(path):
                yield path


@PAGES
def test_every_path_is_there(page: Path, demo_run: Path) -> None:
    of_runs = [demo_run] if page == README else []
    assert list(paths_nowhere(page, ROOT, PACKAGE, *of_runs)) == []
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_a_path_that_is_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`model/`, `load.py` and `gone.py`\n`load.py`, `views/gone/`; `attnmetrics show`, `word.pos`\n")
    assert list(paths_nowhere(page, ROOT, PACKAGE)) == ["gone.py", "load.py", "views/gone/"]


def test_every_folder_of_the_package_is_on_the_map() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    text = CONTRIBUTING.read_text(encoding="utf-8")
    assert {folder for folder in folders if f"| `{folder}/`" not in text} <= {"assets"}


def test_the_layers_are_those_of_the_linter() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert "\n".join(layers).replace("attnmetrics.", "") + "\n" in blocks(CONTRIBUTING, "text")


def test_every_file_of_a_run_is_in_the_readme(demo_run: Path) -> None:
    text = README.read_text(encoding="utf-8")
    names = {path.name for path in demo_run.iterdir() if not path.name.startswith(".")}
    assert {name for name in names if f"`{name}" not in text} == set()


@PAGES
def test_every_target_of_make_is_there(page: Path) -> None:
    known = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named and named <= known


@PAGES
def test_every_flag_and_command_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    commands = get_command(app).commands
    flags = {flag for command in commands.values() for option in command.params for flag in option.opts}
    assert set(FLAG.findall(text)) <= flags | OF_OTHERS
    named = re.findall(r"(?:`|^|\$ )attnmetrics ([a-z]+)", text, re.MULTILINE)
    assert set(named) <= set(commands)


def test_the_functions_of_the_readme_give_a_label_and_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (module,) = (block for block in blocks(README, "python") if "def siblings" in block)
    (tmp_path / "my_words.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    sentences = ConlluAnnotator({}).annotate([Document("d", TREEBANK, True, "a.conllu", 1)]).sentences
    functions = Functions.find(["python:my_words:length", "python:my_words:siblings"])
    label = read_label("python:my_words:length", sentences, functions)
    assert list(label.values()) == ["short", "short", "long", "short"]
    link = read_link("python:my_words:siblings", sentences, functions)
    pairs = list(zip(link.attending.tolist(), link.attended.tolist(), strict=True))
    assert pairs == [(0, 2), (0, 3), (2, 0), (2, 3), (3, 0), (3, 2)]
