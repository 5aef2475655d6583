"""Damage: whatever file of a run is changed, cut or gone, the same command ends with the same bits, or names it."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from checks import outputs
from conftest import demo_config
from damage import KINDS, flip
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import attnmetrics
from attnmetrics.config import RunConfig
from attnmetrics.engine.worker import Worker
from attnmetrics.errors import StoreError
from attnmetrics.running.driver import run, run_annotate, run_measure
from attnmetrics.running.merging import merge_run
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import locate

QUIET = Reporter(quiet=True)
STATES = ("unfinished", "finished")
EXAMPLES = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("loaded_once")]


def config(out: Path, **options: object) -> RunConfig:
    return demo_config(out, max_documents=3, shard_characters=1000, layers=(0,), exemplars=2, **options)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """The report, whose figures take seconds, is a line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attnmetrics.running.outputs.write_report", lambda *given: (given[4] / "index.html").write(b"!"))
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, quick: None) -> dict[str, Path]:
    """A finished run, and one that was interrupted at its last shard."""
    folder = tmp_path_factory.mktemp("runs")
    facts = run(config(folder / "finished"), QUIET)
    last = facts["corpus"]["shards"] - 1
    assert last >= 2
    measure = Worker.measure

    def interrupt(self: Worker, shard: Any, *arguments: Any) -> Any:
        if shard.index == last:
            raise KeyboardInterrupt
        return measure(self, shard, *arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Worker, "measure", interrupt)
        run(config(folder / "unfinished"), QUIET)
    return {state: folder / state for state in STATES}


def files_of(folder: Path) -> list[str]:
    """All that are not empty."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


PLACES = st.floats(0, 1, exclude_max=True)


def mend(source: Path, folder: Path, file: str, kind: str, where: float) -> None:
    """Damage a file of a copy, give the command again: the same bits at the end, or the file's name."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    KINDS[kind](folder / file, where)
    try:
        assert run(config(folder), QUIET)["missing"] == []
    except StoreError as error:
        assert file == "run.json" and str(folder) in str(error) and file in str(error)
    else:
        assert outputs(folder) == outputs(source.with_name("finished"))


@EXAMPLES
@given(data=st.data(), state=st.sampled_from(STATES), kind=st.sampled_from(sorted(KINDS)), where=PLACES)
def test_any_damage_is_mended_or_named(
    runs: dict[str, Path], tmp_path: Path, data: st.DataObject, state: str, kind: str, where: float
) -> None:
    file = data.draw(st.sampled_from(files_of(runs[state])))
    mend(runs[state], tmp_path / "run", file, kind, where)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("state", STATES)
def test_damage_to_every_file_is_mended_or_named(runs: dict[str, Path], tmp_path: Path, state: str, kind: str) -> None:
    files = files_of(runs[state])
    for number, file in enumerate(files):
        mend(runs[state], tmp_path / "run", file, kind, number / len(files))
    print(f"\n{state}, {kind}: {len(files)} files")


@pytest.mark.cluster
@EXAMPLES
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)), where=PLACES)
def test_a_merge_never_takes_what_is_damaged(
    runs: dict[str, Path], tmp_path: Path, data: st.DataObject, kind: str, where: float
) -> None:
    """It ends with the same bits where the damage is to an output, and says what is damaged or missing elsewhere."""
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(runs["finished"], folder)
    KINDS[kind](folder / data.draw(st.sampled_from(files_of(folder))), where)
    try:
        facts = merge_run(locate(folder), QUIET)
    except StoreError as error:
        assert str(folder) in str(error)
    else:
        found, expected = outputs(folder), outputs(runs["finished"])
        if facts["status"] == "incomplete":
            assert facts["left_out"]["exemplars_without_attention"] == len(attnmetrics.exemplars(folder, bucket="top"))
            assert found.pop("exemplar_attention.parquet") != expected.pop("exemplar_attention.parquet")
        assert found == expected


@EXAMPLES
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)), where=PLACES)
def test_damaged_results_are_not_loaded(
    runs: dict[str, Path], tmp_path: Path, data: st.DataObject, kind: str, where: float
) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(runs["finished"], folder)
    starts = ("results.zarr", "intervals.zarr", "halves.zarr", "exemplar", "tokens.parquet", "roles")
    files = [file for file in files_of(folder) if file.startswith(starts)]
    file = data.draw(st.sampled_from(files))
    KINDS[kind](folder / file, where)
    load = {
        "results.zarr": attnmetrics.load,
        "intervals.zarr": attnmetrics.intervals,
        "halves.zarr": partial(attnmetrics.load, with_intervals=True),
        "exemplars.parquet": attnmetrics.exemplars,
        "exemplar_attention.parquet": attnmetrics.exemplar_attention,
        "tokens.parquet": attnmetrics.tokens,
        "roles.parquet": attnmetrics.roles,
    }[file.partition("/")[0]]
    with pytest.raises(StoreError, match=file.partition("/")[0]):
        load(folder)


def test_a_flipped_bit_of_an_array_is_noticed_by_any_reader(runs: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(runs["finished"] / "results.zarr", tmp_path / "results.zarr")
    chunks = list((tmp_path / "results.zarr" / "entropy").glob("c.*"))
    assert chunks
    for chunk in chunks:
        flip(chunk, 0.5)
    with xr.open_zarr(tmp_path / "results.zarr") as results, pytest.raises(ValueError, match="checksum"):
        results["entropy"].load()


class TestAnnotations:
    """A footer that is whole says nothing about the rows: only the worker that reads them can tell."""

    def damage(self, folder: Path) -> str:
        path = sorted((folder / "annotations").glob("*.parquet"))[1]
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 1
        path.write_bytes(data)
        return path.name

    def annotated(self, out: Path, **options: object) -> RunConfig:
        chosen = config(out, **options)
        run_annotate(chosen, QUIET)
        return chosen

    @pytest.mark.parametrize("engine", ["inline", pytest.param("ray", marks=pytest.mark.cluster)])
    def test_found_while_measuring_they_are_named_and_made_anew(
        self,
        runs: dict[str, Path],
        tmp_path: Path,
        engine: str,
        request: pytest.FixtureRequest,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        if engine == "ray":
            request.getfixturevalue("ray_session")
        chosen = self.annotated(tmp_path / "run", engine=engine, workers=1)
        name = self.damage(tmp_path / "run")
        assert run(chosen, Reporter(quiet=True))["missing"] == []
        assert name in "".join(capsys.readouterr().err.split())
        assert outputs(tmp_path / "run") == outputs(runs["finished"])
        run_measure(chosen, QUIET)

    def test_measuring_alone_asks_for_them(self, tmp_path: Path) -> None:
        chosen = self.annotated(tmp_path / "run")
        self.damage(tmp_path / "run")
        with pytest.raises(StoreError, match=r"1 of \d+ shards are not annotated .* run `attnmetrics annotate`"):
            run_measure(chosen, QUIET)
        run_annotate(chosen, QUIET)
        run_measure(chosen, QUIET)

    def test_of_a_sample(self, tmp_path: Path) -> None:
        run(self.annotated(tmp_path / "whole", sample_sentences=10), QUIET)
        chosen = self.annotated(tmp_path / "run", sample_sentences=10)
        for path in sorted((tmp_path / "run" / "annotations").glob("*.parquet"))[:2]:
            data = bytearray(path.read_bytes())
            data[40] ^= 1
            path.write_bytes(data)
        run(chosen, QUIET)
        assert outputs(tmp_path / "run") == outputs(tmp_path / "whole")


def test_half_written_files_of_a_killed_process_do_no_harm(runs: dict[str, Path], tmp_path: Path) -> None:
    """Files are written under a hidden name first; Zarr's own partial chunks have theirs."""
    folder = tmp_path / "run"
    shutil.copytree(runs["unfinished"], folder)
    for file in files_of(folder):
        path = folder / file
        for half in (f".{path.name}.0123456789abcdef", f"{path.name}.0123456789abcdef.partial"):
            path.with_name(half).write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (folder / ".results.zarr.0123456789abcdef").mkdir()
    run(config(folder), QUIET)
    assert outputs(folder) == outputs(runs["finished"])
