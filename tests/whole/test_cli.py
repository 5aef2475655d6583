"""The command line: quick help, clear errors, exit codes."""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from models import save_model
from pages import page_data
from pydantic import BaseModel

from attnmetrics.assets import MODELS
from attnmetrics.cli import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_SHARDS_MISSING, main, spread
from attnmetrics.cli.help import GROUPS
from attnmetrics.config import ProbeConfig, RunConfig
from attnmetrics.engine.worker import Worker
from attnmetrics.storage import LocalLocation

Command = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return int(end.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A small corpus."""
    path = tmp_path / "text.txt"
    path.write_text("The old museum was built in 1902. It holds maps, coins and letters.\n")
    return path


def options(text: Path, **given: object) -> list[object]:
    """Flags of a small run beside the corpus, in this process."""
    values = {"model": "demo", "corpus": text, "out": text.parent / "run", "engine": "inline", **given}
    return [part for name, value in values.items() for part in (f"--{name.replace('_', '-')}", value)]


def imports(program: str) -> set[str]:
    """The packages that are imported when a program has run in a fresh process."""
    program += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(found.stdout.splitlines()[-1].split())


VIEW_SECONDS, LEEWAY = 5, 3
HEAVY = {"matplotlib", "pandas", "pyarrow", "ray", "scipy", "spacy", "torch", "transformers", "xarray", "zarr"}


def test_help_loads_no_heavy_library() -> None:
    found = imports("from attnmetrics.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass")
    assert "typer" in found
    assert not HEAVY & found


def test_help_names_the_commands_and_the_defaults(command: Command) -> None:
    assert "annotate" in command("--help")[1]
    text = " ".join(command("run", "--help")[1].replace("│", " ").split())
    assert "exemplar sentences, or windows, per head (default: 50)" in text


@pytest.mark.parametrize("width", ["60", "80"])
def test_help_begins_with_the_five_flags_that_matter_first_at_any_width(
    command: Command, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    lines = command("run", "--help")[1].splitlines()
    assert max(map(len, lines)) < int(width)
    sections = [line for line in lines if line.endswith(":") and not line.startswith((" ", "Usage"))]
    assert sections[:2] == ["To begin with:", "Corpus:"]
    begin = lines[lines.index(sections[0]) : lines.index(sections[1])]
    flags = [word for line in begin if line.startswith("  -") for word in line.split() if word.startswith("--")]
    assert flags == ["--model", "--corpus", "--annotator", "--out", "--sample-sentences"]


@pytest.mark.parametrize("kind", [RunConfig, ProbeConfig])
def test_every_flag_of_a_configuration_has_its_place_in_the_help(kind: type[BaseModel]) -> None:
    places = [field for fields in GROUPS.values() for field in fields]
    assert not set(kind.model_fields) - set(places), "name its group in attnmetrics/cli/help.py"
    assert len(places) == len(set(places))


def test_importing_the_package_loads_no_heavy_library() -> None:
    found = imports("import attnmetrics")
    assert "attnmetrics" in found
    assert not (HEAVY | {"numpy", "pydantic", "rich", "typer"}) & found


def test_the_state_of_a_run_is_read_without_what_computes_and_draws() -> None:
    found = imports(
        "from attnmetrics.running.driver import progress_of\nfrom attnmetrics.views.terminal.status import show_status"
    )
    assert "rich" in found
    assert not {"matplotlib", "ray", "scipy", "spacy", "torch", "transformers", "zarr"} & found


def test_a_run_is_shown_without_what_computes_and_draws(demo_run: Path) -> None:
    found = imports(
        f"from attnmetrics.cli import main\ntry:\n    main(['show', {str(demo_run)!r}])\nexcept SystemExit: pass"
    )
    assert "xarray" in found
    assert not (HEAVY | {"numba"}) - {"pandas", "pyarrow", "xarray"} & found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--corpus a b --out r", "--corpus a --corpus b --out r"),
        ("-c a b c", "-c a --corpus b --corpus c"),
        ("--corpus a --corpus b", "--corpus a --corpus b"),
        ("--out r x", "--out r x"),
        ("--corpus=a --quiet", "--corpus=a --quiet"),
        ("r --treebank a b --test c d -q", "r --treebank a --treebank b --test c --test d -q"),
    ],
)
def test_a_globs_files_can_follow_the_flag(given: str, expected: str) -> None:
    assert spread(given.split()) == expected.split()


def test_demo_from_end_to_end(command: Command, tmp_path: Path) -> None:
    code, out, err = command("demo", "--out", tmp_path / "run", "--engine", "inline", "--max-documents", 3)
    assert code == 0
    assert "sentences/s" in err
    assert "pieces/s" in err
    assert out.rstrip().endswith(str(tmp_path / "run" / "report" / "index.html"))
    assert (tmp_path / "run" / "report" / "index.html").exists()
    assert command("status", tmp_path / "run")[0] == 0
    assert "finished" in command("status", tmp_path / "run")[1]


def test_quiet_prints_only_where_the_report_is(command: Command, text: Path) -> None:
    code, out, err = command("run", *options(text), "--quiet")
    assert (code, err, len(out.splitlines())) == (0, "", 1)


def test_show_prints_tables_heads_and_exemplars_and_names_what_there_is(command: Command, demo_run: Path) -> None:
    assert command("show", demo_run)[0] == 0
    assert "entropy" in command("show", demo_run, "entropy")[1].lower()
    assert command("show", demo_run, "pos_to", "--label", "NOUN")[0] == 0
    assert command("show", demo_run, "--layer", 0, "--head", 1)[0] == 0
    assert command("show", demo_run, "--layer", 0, "--head", 1, "--exemplars", "--top", 2)[0] == 0
    code, _, err = command("show", demo_run, "entropi")
    assert code == EXIT_ERROR
    assert "entropy" in err
    assert command("show", demo_run, "--layer", 0)[0] == EXIT_ERROR
    assert command("show", demo_run, "--layer", 0, "--head", 99)[0] == EXIT_ERROR


@pytest.mark.parametrize(
    "given", [["--exemplars"], ["--label", "NOUN"], ["entropy", "--layer", 0, "--head", 0], ["--head", 0]]
)
def test_no_option_of_show_is_ignored(command: Command, demo_run: Path, given: list[object]) -> None:
    assert command("show", demo_run, *given)[0] == EXIT_ERROR


def test_what_a_terminal_cannot_show_is_replaced(demo_run: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run(
        [sys.executable, "-m", "attnmetrics", "show", demo_run], capture_output=True, env=environment, check=True
    )
    assert re.search(rb"\d \? \d+ heads", shown.stdout)  # a multiplication sign elsewhere
    assert shown.stdout.isascii()
    assert b"Traceback" not in shown.stderr


def test_no_command_gives_the_help_alone(command: Command) -> None:
    code, out, err = command()
    assert (code, err) == (2, "")
    assert "annotate" in out


def test_a_plan_is_only_told(command: Command, text: Path) -> None:
    code, out, _ = command("plan", *options(text))
    assert code == 0
    assert "1, of which 0 are annotated" in out
    assert "measuring, 1 worker " in out
    assert "--shard-characters" in out
    assert not (text.parent / "run").exists()


def test_a_plan_tells_of_annotations_that_another_size_would_not_have(command: Command, text: Path) -> None:
    text.write_text("The old museum was built in 1902.\n\nIt holds maps.\n\n" * 40)
    given = options(text, text_documents="blank-line", annotations=text.parent / "annotations", shard_characters=400)
    assert command("annotate", *given)[0] == 0
    _, out, _ = command("plan", *given)
    assert "of which 5 are annotated" in out
    assert "annotated already serves shards of 400 characters alone" in " ".join(out.split())


def test_annotate_needs_no_model(command: Command, text: Path) -> None:
    folder = text.parent / "annotations"
    assert command("annotate", "--corpus", text, "--annotations", folder, "--engine", "inline")[0] == 0
    assert len(list(folder.glob("*.parquet"))) == 1


def test_a_configuration_file(command: Command, text: Path) -> None:
    file = text.parent / "run.yaml"
    file.write_text(f"model: demo\ncorpus: {text}\nout: {text.parent / 'run'}\nengine: inline\nexemplars: 3\n")
    assert command("run", "--config", file, "--exemplars", 2, "--layers", "0")[0] == 0
    assert command("run", "--config", file, "--exemplars", 2, "--layers", "0")[0] == 0
    code, _, err = command("run", "--config", file)
    assert code == EXIT_ERROR
    assert "exemplars: 2 there, 3 now" in err


def test_a_configuration_file_wins_over_the_demos_own_options(command: Command, text: Path) -> None:
    file = text.parent / "run.yaml"
    file.write_text(f"corpus: {text}\nout: {text.parent / 'run'}\nengine: inline\n")
    assert command("demo", "--config", file, "--layers", "0")[0] == 0
    assert (text.parent / "run" / "run.json").exists()


def model_without_tokenizer(folder: Path) -> Path:
    path = save_model(folder / "model", "gpt2")
    for name in ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"):
        (path / name).unlink(missing_ok=True)
    return path


def model_with_damaged_weights(folder: Path) -> Path:
    path = save_model(folder / "model", "gpt2")
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nothing", "nothing"),
        (lambda folder: "no-such/model-on-any-hub", "no-such/model-on-any-hub"),
        (model_without_tokenizer, "tokenizer"),
        (model_with_damaged_weights, "damaged|safetensors"),
        (lambda folder: folder, "found none"),
    ],
    ids=["missing", "hub", "no tokenizer", "damaged", "no model"],
)
def test_a_bad_model_is_named(command: Command, text: Path, make: Callable[[Path], object], message: str) -> None:
    code, _, err = command("run", *options(text, model=make(text.parent)))
    assert code == EXIT_ERROR
    assert "attnmetrics: " in err
    assert re.search(message, err)


@pytest.mark.parametrize("corpus", ["missing.txt", "*.none"])
def test_a_missing_corpus_is_named(command: Command, text: Path, corpus: str) -> None:
    code, _, err = command("run", *options(text, corpus=text.parent / corpus))
    assert code == EXIT_ERROR
    assert corpus in err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "empty.txt"),
        ("blank.txt", b" \n\n\t", "blank.txt"),
        ("latin.txt", "Fl\xe4che".encode("latin-1"), "UTF-8"),
        ("bad.jsonl", b'{"text": "a"}\n{"text": \n', "line 2"),
        ("field.jsonl", b'{"body": "a"}\n', "text"),
        ("bad.conllu", b"1\tHe\the\tPRON\t_\t_\t7\tnsubj\t_\t_\n\n", "line 1"),
        ("bad.parquet", b"PAR1 no", "bad.parquet"),
        ("bad.txt.gz", b"no gzip", "bad.txt.gz"),
    ],
)
def test_a_bad_corpus_is_named(command: Command, text: Path, name: str, content: bytes, message: str) -> None:
    path = text.parent / name
    path.write_bytes(content)
    code, _, err = command("run", *options(text, corpus=path))
    assert code == EXIT_ERROR
    assert message in err
    assert not (text.parent / "run" / "results.zarr").exists()


@pytest.mark.parametrize("name", ["no_such_pipeline", str(MODELS["demo"])])
def test_a_bad_pipeline_is_named(command: Command, text: Path, name: str) -> None:
    code, _, err = command("run", *options(text, annotator=name))
    assert code == EXIT_ERROR
    assert name in err


def test_strange_text_is_measured(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "strange.txt"
    path.write_text("A.\n\n🙂🙂 مرحبا بالعالم \x07\x1b[31m " + "x" * 3000 + ".\n\nA \u0000 null. \u200b B.\n\nHi\n")
    code, _, err = command("run", *options(path, text_documents="blank-line"))
    assert code == 0, err
    code, out, _ = command("show", tmp_path / "run", "--layer", 0, "--head", 0, "--exemplars")
    assert code == 0
    assert "\x1b[31m " not in out
    assert "\x07" not in out


@pytest.mark.parametrize("value", ["x", "0", "-1"])
def test_a_bad_number_is_named(command: Command, text: Path, value: str) -> None:
    code, _, err = command("run", *options(text, batch_pieces=value))
    assert code == EXIT_ERROR
    assert "batch_pieces" in err


def test_unknown_flags_and_commands(command: Command) -> None:
    assert command("run", "--modell", "x")[0] == 2
    assert command("runn")[0] == 2


def test_layers_that_are_not_there(command: Command, text: Path) -> None:
    code, _, err = command("run", *options(text, layers="0,99"))
    assert code == EXIT_ERROR
    assert "99" in err


def test_a_gpu_that_is_not_there(command: Command, text: Path) -> None:
    code, _, err = command("run", *options(text, device="cuda"))
    assert code == EXIT_ERROR
    assert "cuda" in err


def test_a_file_in_the_place_of_the_run(command: Command, text: Path) -> None:
    code, _, err = command("run", *options(text, out=text))
    assert code == EXIT_ERROR
    assert str(text) in err


def test_a_name_too_long_for_a_folder(command: Command, text: Path) -> None:
    for name in ("run", "annotate"):
        code, _, err = command(name, *options(text, out=text.parent / ("x" * 300)))
        assert code == EXIT_ERROR
        assert "File name too long" in err
    assert command("show", text.parent / ("x" * 300))[0] == EXIT_ERROR


def test_commands_on_no_run(command: Command, tmp_path: Path) -> None:
    for name in ("status", "show", "merge"):
        code, _, err = command(name, tmp_path / "none")
        assert code == EXIT_ERROR
        assert "none" in err


def test_a_run_that_one_may_not_look_at_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: LocalLocation) -> bool:
        raise PermissionError(13, "Permission denied", "/theirs/run")

    monkeypatch.setattr(LocalLocation, "exists", refuse)
    code, _, err = command("show", "/theirs/run")
    assert code == EXIT_ERROR
    assert err.startswith("attnmetrics: cannot read or write /theirs/run: Permission denied; mend its rights")


def test_exit_codes(command: Command, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(error: BaseException) -> Callable[..., None]:
        def measure(*arguments: object) -> None:
            raise error

        return measure

    monkeypatch.setattr(Worker, "measure", fail(RuntimeError("poison")))
    code, _, err = command("run", *options(text))
    assert code == EXIT_SHARDS_MISSING
    assert "poison" in err
    monkeypatch.setattr(Worker, "measure", fail(KeyboardInterrupt()))
    assert command("run", *options(text))[0] == EXIT_INTERRUPTED


def test_control_characters_never_reach_the_terminal(command: Command, text: Path) -> None:
    _, _, err = command("run", *options(text, corpus="\x1b[2Jno.txt"))
    assert "\x1b[2J" not in err


def test_a_view_opens_as_it_is_asked(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    page = tmp_path / "page.html"
    code, _, _ = command(
        "view", "head", "--text", "The museum", "--layer", 2, "--head", "1,3", "--include-layers", "1-3", "--words",
        "--theme", "dark", "--open", "--out", page,
    )  # fmt: skip
    found = page.read_text(encoding="utf-8")
    assert (code, opened) == (0, [page.as_uri()])
    held, _ = page_data(found)
    assert (held["preset"]["layer"], held["preset"]["heads"], held["preset"]["words"]) == (2, [1, 3], True)
    assert '<html lang="en" data-theme="dark">' in found and held["layers"] == [1, 2, 3]
    assert command("view", "neuron", "--text", "The", "--head", 2, "--out", page)[0] == 0
    held, _ = page_data(page.read_text(encoding="utf-8"))
    assert (held["preset"]["layer"], held["preset"]["heads"]) == (0, [2])


@pytest.mark.parametrize(
    "flags", [("model", "--layer", 1), ("model", "--head", 1), ("neuron", "--words"), ("neuron", "--head", "0,1")]
)
def test_a_view_is_not_asked_for_what_it_has_not(command: Command, flags: tuple[object, ...]) -> None:
    code, _, error = command("view", *flags, "--text", "The")
    assert code == EXIT_ERROR
    assert f"the {flags[0]} view shows" in error


def test_a_view_reads_no_more_of_a_model_than_it_draws(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only a run's record needs takes its time: a digest of all weights."""
    monkeypatch.setattr("attnmetrics.model.load.digest_folder", lambda folder: pytest.fail("a view read all weights"))
    model = save_model(tmp_path / "model", "gpt2")
    assert command("view", "head", "--model", model, "--text", "The", "--out", tmp_path / "page.html")[0] == 0


@pytest.mark.soak
def test_a_view_starts_within_seconds(tmp_path: Path) -> None:
    """Processor time, which other processes lengthen too: what is printed is the measurement."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = ["view", "head", "--text", "The cat sat on the mat .", "--out", str(tmp_path / "page.html")]
    subprocess.run([sys.executable, "-m", "attnmetrics", *arguments], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"\nview: {seconds:.1f} s of processor time")
    assert seconds < LEEWAY * VIEW_SECONDS


def test_a_view_of_a_text_is_a_page(command: Command, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, out, _ = command(
        "view", "neuron", "--text", "The museum", "--text-b", "was old", "--generate", 2, "--out", page
    )
    assert (code, out) == (0, f"view: {page}\n")
    assert "<title>Neuron view, demo</title>" in page.read_text(encoding="utf-8")
    code, _, error = command("view", "head", "--text", "The", "--layers", "1-2", "--heads", "0,3", "--out", page)
    held, _ = page_data(page.read_text(encoding="utf-8"))
    assert (code, held["layers"], held["heads"]) == (0, [1, 2], [0, 3])
    code, _, error = command("view", "head", "--text", "The", "--heads", "3-1", "--out", page)
    assert (code, error) == (1, "attnmetrics: --include-heads: expected heads such as 0-3,6; found '3-1'\n")
    code, _, error = command("view", "head", "--text", "", "--out", page)
    assert code == EXIT_ERROR
    assert "expected a text with at least one piece, found none" in error
