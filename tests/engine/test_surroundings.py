"""Workers on nodes with other packages, or without the run's folder, are refused by name before they do anything."""

from dataclasses import replace
from pathlib import Path

import pytest
from models import save_model

from attnmetrics.config import build_config
from attnmetrics.corpus.shards import Shard
from attnmetrics.engine import surroundings
from attnmetrics.engine.surroundings import Surroundings, digest_code, look_around, refuse_foreign
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import AnnotationError, ConfigError, ModelError
from attnmetrics.storage import locate

FOLDER = locate("/shared/run")
HOME = Surroundings("head", {"torch": "2.13.0", "numpy": "2.4.1"}, sees_run=True)


def test_what_is_here_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "version", {"torch": "2.13.0+cpu", "attnmetrics": "0.1.0"}.get)
    monkeypatch.setattr(surroundings, "BIT_PACKAGES", ("torch", "attnmetrics"))
    monkeypatch.setattr(surroundings, "digest_code", lambda folder: folder.name)
    before = look_around(locate(tmp_path))
    (tmp_path / "run.json").write_text("{}")
    expected = {"torch": "2.13.0", "attnmetrics": "0.1.0 (code attnmetrics)"}
    assert (before.versions, before.sees_run) == (expected, False)
    assert look_around(locate(tmp_path)) == replace(before, sees_run=True)


def test_code_is_told_apart_by_its_files(tmp_path: Path) -> None:
    found = set[str]()
    for number, (name, code) in enumerate([("a", "x = 1"), ("a", "x = 2"), ("b", "x = 1"), ("inner/a", "x = 1")]):
        file = tmp_path / str(number) / f"{name}.py"
        file.parent.mkdir(parents=True)
        file.write_text(code)
        found.add(digest_code(tmp_path / str(number)))
        (file.parent / "notes.txt").write_text("no code")
        assert digest_code(tmp_path / str(number)) in found
    assert len(found) == 4


@pytest.mark.parametrize("home", [HOME, replace(HOME, sees_run=False)])
def test_a_node_like_the_drivers_is_welcome(home: Surroundings) -> None:
    refuse_foreign(replace(home, host="n1"), home, FOLDER)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"torch": "2.12.1", "numpy": "2.4.1"}, "found on n1 torch 2.12.1 instead of 2.13.0; install"),
        ({"numpy": "2.4.0"}, "found on n1 torch None instead of 2.13.0, numpy 2.4.0 instead of 2.4.1; install"),
    ],
)
def test_other_packages_are_refused(versions: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        refuse_foreign(replace(HOME, host="n1", versions=versions), HOME, FOLDER)


def test_a_folder_that_a_node_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"/shared/run is written here, but n1, .* expected a folder that all nodes"):
        refuse_foreign(replace(HOME, host="n1", sees_run=False), HOME, FOLDER)


def test_another_pipeline_than_was_planned_with_is_refused(tmp_path: Path) -> None:
    worker = Worker(build_config({"model": "demo", "corpus": "demo", "out": tmp_path}), {})
    with pytest.raises(AnnotationError, match="another version of it"):
        worker.annotate(Shard(0, 0, 1, 1, "digest"), [], "of another version")
    assert not list(tmp_path.iterdir())


def test_another_model_than_was_begun_with_is_refused(tmp_path: Path) -> None:
    """Beside its path, which nodes need not share: an embedding is another number."""
    models = [save_model(tmp_path / name, "gpt2", seed=seed, layers=1) for name, seed in (("a", 0), ("b", 1))]
    ours, copy, other = (
        Worker(build_config({"model": str(model), "corpus": "demo", "out": tmp_path / "out"}), {})
        for model in (models[0], models[0], models[1])
    )
    fingerprint = ours.describe_model()["fingerprint"]
    for worker in (copy, other):
        worker.expect(fingerprint)
    assert copy.find_batching().together == "packed"
    for _ in range(2):
        with pytest.raises(ModelError, match=r"expected on .* that the run began with, found others in .*/b; put the"):
            other.find_batching()
