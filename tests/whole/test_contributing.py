"""What CONTRIBUTING names is there."""

import tomllib
from pathlib import Path

from prose import ROOT, blocks, broken_links, known_to_make, paths_nowhere, read, targets_of_make

PACKAGE = ROOT / "attnmetrics"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def test_every_path_is_there() -> None:
    assert list(paths_nowhere(CONTRIBUTING, ROOT, PACKAGE)) == []
    assert list(broken_links(CONTRIBUTING)) == []


def test_a_path_that_is_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`model/`, `load.py` and `gone.py`\n`load.py`, `views/gone/`; `attnmetrics show`, `word.pos`\n")
    assert list(paths_nowhere(page, ROOT, PACKAGE)) == ["gone.py", "load.py", "views/gone/"]


def test_every_folder_of_the_package_is_on_the_map() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {folder for folder in folders if f"| `{folder}/`" not in read(CONTRIBUTING)} <= {"assets"}


def test_the_layers_are_those_of_the_linter() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert "\n".join(layers).replace("attnmetrics.", "") + "\n" in blocks(CONTRIBUTING, "text")


def test_every_target_of_make_is_there() -> None:
    assert targets_of_make(CONTRIBUTING) <= known_to_make()
