"""Coverage-guided fuzzing of every parser, one after the other: `python tests/fuzz/run.py --seconds 300 [NAME ...]`.

Prints executions, coverage and findings of each; an input that breaks the promise stays in --out. Needs atheris.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

INSTRUMENTED = ["attnmetrics", "yaml"]
OPTIONS = ("-timeout=20", "-rss_limit_mb=3000", "-max_len=4096", "-print_final_stats=1")


def main() -> int:
    """Fuzz the targets in processes of their own; returns the number of those with a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="targets; all if none is given")
    parser.add_argument("--seconds", type=int, default=60, help="time for each")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="where findings and logs go")
    given = parser.parse_args()
    names = given.names or _names()
    given.out.mkdir(parents=True, exist_ok=True)
    return sum(_run(name, given.seconds, given.out) for name in names)


def _names() -> list[str]:
    from targets import TARGETS

    return list(TARGETS)


def _run(name: str, seconds: int, out: Path) -> bool:
    prefix = out / f"{name.replace(' ', '-')}-"
    command = [sys.executable, __file__, "--one", name, f"-max_total_time={seconds}", f"-artifact_prefix={prefix}"]
    ended = subprocess.run([*command, *OPTIONS], capture_output=True, text=True, errors="replace")
    log = Path(f"{prefix}log.txt")
    log.write_text(ended.stderr + ended.stdout)
    executions = re.search(r"number_of_executed_units: (\d+)", ended.stderr)
    coverage = re.findall(r"cov: (\d+)", ended.stderr) or ["0"]
    verdict = "no finding" if ended.returncode == 0 else f"FINDING, see {log}"
    tried = int(executions[1]) if executions else 0
    print(f"{name:20} {tried:>10,} executions, {coverage[-1]:>5} edges: {verdict}", flush=True)
    return ended.returncode != 0


def _fuzz(name: str, options: list[str]) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from targets import TARGETS
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as seeds:
        for number, seed in enumerate(target.seeds):
            Path(seeds, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, seeds], lambda data: target.check(data, Path(scratch)))
        atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _fuzz(sys.argv[2], sys.argv[3:])
    sys.exit(main())
