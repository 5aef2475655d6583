"""Soak: faults at random times, run after run. `make soak` prints what struck, and when.

SOAK_MINUTES (30) is how long, SOAK_SEED (0) what the random choices begin with.
"""

import json
import os
import random
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import get_args

import pytest
from checks import outputs
from faults import Fault, Nodes, Phase, Strikes, trial

from attnmetrics.assets import CORPORA

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
SEED = int(os.environ.get("SOAK_SEED", "0"))
RUNS = 20
"""At least."""

COPIES = 4
"""Of the demo corpus."""

SAMPLES = {"everything": (), "a sample": ("--sample-sentences", "1500")}
"""With a sample, all is annotated before anything is measured."""

PHASES: tuple[Phase, ...] = get_args(Phase)
SECONDS = dict(zip(PHASES, (3, 0.1, 5, 4, 2, 0.5, 0.5, 3), strict=True))
"""About how long each phase takes: a fault strikes at any time in it."""

WORKING = {"annotator": ("annotate",), "measurer": ("annotate", "measure"), "tracer": ("trace",)}
ENGINES = {
    "inline": {"driver": PHASES},
    "ray": {"driver": PHASES, **WORKING, "node": ("measure",)},
    "cluster": {"driver": PHASES, **WORKING, "node": ("load", "annotate", "measure", "trace")},
}
"""Who may be struck, and in which phases."""

KINDS = {f"{action} {victim}" for action in ("kill", "pause") for victim in ENGINES["cluster"]} - {"pause node"}


def draw(chance: random.Random, engine: str) -> list[Fault]:
    """A few faults, in the order of the phases that they wait for."""
    faults = []
    for _ in range(chance.randint(1, 4)):
        victim, phases = chance.choice(list(ENGINES[engine].items()))
        phase = chance.choice(phases)
        pause = chance.choice((0, 0, chance.uniform(0.1, 5))) if victim != "node" else 0
        faults.append(Fault(victim, phase, chance.uniform(0, SECONDS[phase]), pause))
    return sorted(faults, key=lambda fault: PHASES.index(fault.phase))


def table(strikes: Strikes) -> str:
    """Faults by kind and phase."""
    kinds = sorted({kind for kind, _ in strikes})
    rows = [["", *PHASES, "all"]]
    for kind in kinds:
        counts = [strikes[kind, phase] for phase in PHASES]
        rows.append([kind, *map(str, counts), str(sum(counts))])
    rows.append(["all", *(str(sum(strikes[kind, phase] for kind in kinds)) for phase in PHASES), str(strikes.total())])
    return "\n".join(f"{row[0]:16}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in rows)


def write_corpus(path: Path) -> None:
    """The demo corpus, several times."""
    records = [json.loads(line) for line in CORPORA["demo"].read_text().splitlines()]
    copies = [record | {"id": f"{record['id']} {copy}"} for copy in range(COPIES) for record in records]
    path.write_text("".join(json.dumps(record) + "\n" for record in copies))


def ends_well(folder: Path, expected: dict[str, bytes], counts: dict[str, int]) -> None:
    """A run is finished, its bits and its counts are those of an undisturbed run."""
    facts = json.loads((folder / "run.json").read_text())
    assert (facts["status"], facts["missing"], facts["counts"]) == ("finished", [], counts)
    assert outputs(folder) == expected


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_random_faults_leave_the_bits_of_an_undisturbed_run(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus.jsonl")
    common = ["--model", "demo", "--corpus", str(tmp_path / "corpus.jsonl"), "--shard-characters", "2000"]
    expected = {}
    for sample, flags in SAMPLES.items():
        folder = tmp_path / sample
        trial(folder, [*common, *flags, "--engine", "inline"], [])
        expected[sample] = outputs(folder), json.loads((folder / "run.json").read_text())["counts"]

    start, runs, strikes = time.monotonic(), Counter[str](), Strikes()
    wanted = {("kill driver", phase) for phase in PHASES}
    while not (
        time.monotonic() - start > MINUTES * 60
        and runs.total() >= RUNS
        and wanted <= strikes.keys()
        and {kind for kind, _ in strikes} >= KINDS
    ):
        number = runs.total()
        chance = random.Random(f"{SEED} {number}")
        engine, sample = chance.choice(list(ENGINES)), chance.choice(list(SAMPLES))
        faults = draw(chance, engine)
        print(f"\nrun {number}, {engine}, {sample}: {faults}", flush=True)
        folder = tmp_path / f"run{number}"
        flags = [*common, *SAMPLES[sample], "--engine", "inline" if engine == "inline" else "ray", "--workers", "2"]
        with Nodes(2) if engine == "cluster" else nullcontext() as nodes:
            found = trial(folder, flags, faults, nodes)
        ends_well(folder, *expected[sample])
        runs[engine] += 1
        strikes += found
        print(f"struck: {dict(found)}; {(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    minutes = (time.monotonic() - start) / 60
    print(
        f"\n{runs.total()} runs {dict(runs)} with {strikes.total()} faults in {minutes:.0f} minutes\n{table(strikes)}"
    )
