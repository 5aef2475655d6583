"""One configuration from flags, YAML and Python; errors that name the field."""

from pathlib import Path

import pytest

from attnmetrics.config import RESULT_FIELDS, RunConfig, build_config
from attnmetrics.errors import ConfigError
from attnmetrics.storage import locate

NEEDED = {"model": "gpt2", "corpus": "a.txt", "out": "runs/a"}


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("model: gpt2\ncorpus: [a.txt, b.txt]\nout: runs/a\nseed: 3\nbatch-pieces: 512\n")
    config = build_config({"seed": 7}, file)
    assert (config.seed, config.batch_pieces, config.corpus) == (7, 512, ("a.txt", "b.txt"))


def test_the_file_wins_over_the_commands_own_defaults(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("model: bert\nseed: 3\n")
    config = build_config({"seed": 7}, file, {**NEEDED, "exemplars": 5})
    assert (config.model, config.seed, config.exemplars, config.out) == ("bert", 7, 5, locate("runs/a"))


def test_paths_of_pathlib() -> None:
    config = build_config({**NEEDED, "model": Path("m"), "annotator": Path("p"), "corpus": Path("a.txt")})
    assert (config.model, config.annotator, config.corpus) == ("m", "p", ("a.txt",))
    assert build_config({**NEEDED, "corpus": [Path("a.txt"), "b.txt"]}).corpus == ("a.txt", "b.txt")


def test_a_home_folder_is_found_without_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "run.yaml"
    file.write_text("model: ~/m\nannotator: ~/p\ncorpus: [~/a.txt, b.txt]\nout: ~/runs/x\nannotations: runs/~\n")
    config, home = build_config({}, file), f"{tmp_path}/home"
    assert (config.model, config.annotator, config.corpus) == (f"{home}/m", f"{home}/p", (f"{home}/a.txt", "b.txt"))
    assert (str(config.out), str(config.annotations)) == (f"{home}/runs/x", f"{tmp_path}/runs/~")


@pytest.mark.parametrize(
    ("text", "layers"), [("0-3,6", (0, 1, 2, 3, 6)), ("4", (4,)), ("3,1-2,2", (1, 2, 3)), (4, (4,)), ([0, 2], (0, 2))]
)
def test_layers_are_ranges(text: object, layers: tuple[int, ...]) -> None:
    assert build_config({**NEEDED, "layers": text}).layers == layers


def test_all_variability_sentences() -> None:
    assert build_config({**NEEDED, "variability_sentences": "all"}).variability_sentences is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "gpt2", "out": "a"}, "--corpus"),
        ({**NEEDED, "sed": 1}, "sed: no such field"),
        ({**NEEDED, "exact_exemplars": False}, "exact_exemplars: no such field"),
        ({**NEEDED, "exemplars": -1}, "exemplars: .*greater than or equal to 0; found -1"),
        ({**NEEDED, "dtype": "float16"}, "dtype: .*'float32' or 'bfloat16'; found 'float16'"),
        ({**NEEDED, "layers": "a-b"}, "layers: expected layers such as 0-3,6; found 'a-b'"),
        ({**NEEDED, "layers": "3-1"}, "layers: expected layers such as 0-3,6; found '3-1'"),
        ({**NEEDED, "layers": "0-999999999"}, "layers: expected layers such as 0-3,6"),
        ({**NEEDED, "layers": ()}, "layers is empty; .*all layers$"),
        ({**NEEDED, "workers": 0}, "workers"),
        ({**NEEDED, "sample_sentences": 5, "metric_sentences": 6}, "must not exceed"),
    ],
)
def test_errors_name_the_field(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_config(values)


@pytest.mark.parametrize("content", ["- a\n- b\n", "model: [", "\xff\xfe"])
def test_a_bad_file_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        build_config({}, file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        build_config({}, tmp_path / "none.yaml")


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    file = tmp_path / "evil.yaml"
    file.write_text("model: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        build_config({}, file)


def test_shipped_configurations_are_valid() -> None:
    jobs = Path(__file__).parents[2] / "jobs"
    files = sorted(jobs.glob("*.yaml"))
    assert {file.stem for file in files} >= {"demo", "vig-belinkov-2019"}
    for file in files:
        build_config({}, file)


def test_the_paper_is_the_papers_experiment() -> None:
    config = build_config({}, Path(__file__).parents[2] / "jobs" / "vig-belinkov-2019.yaml")
    assert (config.model, config.annotator, config.max_documents) == ("gpt2", "en_core_web_sm", 10_000)
    assert (config.sample_sentences, config.metric_sentences) == (100_000, 10_000)


def test_where_a_run_happens_is_no_part_of_its_results() -> None:
    elsewhere = {
        "out",
        "annotations",
        "engine",
        "workers",
        "threads",
        "address",
        "allow_missing",
        "confidence",
        "shard_timeout_seconds",
    }
    assert set(RunConfig.model_fields) - RESULT_FIELDS == elsewhere & set(RunConfig.model_fields)
