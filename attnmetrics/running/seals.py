"""Whether what a run left is still what it wrote: a digest of each output, kept in `run.json`."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

from attnmetrics.errors import StoreError
from attnmetrics.running.runfile import read_facts, write_facts
from attnmetrics.storage import Location

OUTPUTS = (
    "results.zarr",
    "intervals.zarr",
    "halves.zarr",
    "exemplars.parquet",
    "exemplar_attention.parquet",
    "tokens.parquet",
    "roles.parquet",
    "tables",
    "report",
)
"""What a merge leaves in the run's folder."""

OF_SOME = ("importance.zarr",)
"""What it leaves there in some runs: those in which it was measured."""


def seal(folder: Location, more: Sequence[str] = ()) -> dict[str, str]:
    """The digest of every output that is there, by name; `more` are names of outputs that only this run has.

    Raises:
        StoreError: one cannot be read.
    """
    digests = {name: _digest(folder / name) for name in (*OUTPUTS, *OF_SOME, *more)}
    return {name: digest for name, digest in digests.items() if digest is not None}


def find_broken(folder: Location, seals: Mapping[str, str]) -> list[str]:
    """The outputs that are not as they were sealed, or gone."""
    expected = dict.fromkeys([*OUTPUTS, *seals])
    return [name for name in expected if _digest(folder / name) != seals.get(name, "")]


def seal_apart(folder: Location, name: str, write: Callable[[], None]) -> None:
    """Write one of the outputs of commands of their own, and seal it; in between, `run.json` does not vouch for it.

    Raises:
        StoreError: it cannot be written or read.
    """
    facts = read_facts(folder) or {}
    facts.get("apart", {}).pop(name, None)
    write_facts(folder, facts)
    write()
    facts.setdefault("apart", {})[name] = _digest(folder / name)
    write_facts(folder, facts)


def check_apart(folder: Location, name: str) -> None:
    """Refuse one of these outputs that is not as it was written.

    Raises:
        StoreError: it is damaged.
    """
    sealed = ((read_facts(folder) or {}).get("apart") or {}).get(name)
    if sealed is not None and _digest(folder / name) not in (sealed, None):
        raise StoreError(
            f"{folder / name} is damaged: it is not what was written there; the command that made it makes it "
            "anew, and goes on from what is done"
        )


def check(folder: Location, name: str) -> None:
    """Refuse an output that is not as it was written, or that a merge is about to replace.

    Raises:
        StoreError: it is damaged, or the run is not finished.
    """
    facts = read_facts(folder) or {}
    if facts.get("status") == "unfinished":
        raise StoreError(
            f"{folder} is unfinished: expected a run that is merged; `attnmetrics status {folder}` says how far it is "
            "and what to do next"
        )
    sealed = facts.get("outputs", {}).get(name)
    if sealed is not None and _digest(folder / name) not in (sealed, None):
        raise StoreError(
            f"{folder / name} is damaged: it is not what was written there; `attnmetrics merge {folder}` writes it anew"
        )


def _digest(output: Location) -> str | None:
    """Of a file, or of all files of a folder and their paths, hidden ones apart; None where there is nothing."""
    state = blake2b(digest_size=16)
    try:
        files = [path for path in output.files() if not path.rpartition("/")[2].startswith(".")]
        contents = output.contents(files) if files else [output.read()]
        for path, content in zip(files or [""], contents, strict=True):
            state.update(f"{len(path)},{len(content)},{path}".encode() + content)
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {output}: {error.strerror or error}") from None
    return state.hexdigest()
