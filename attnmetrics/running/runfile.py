"""`run.json`: what a run is, what it depends on, how far it is."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from attnmetrics.config import RESULT_FIELDS, RunConfig, build_config
from attnmetrics.engine.surroundings import BIT_PACKAGES
from attnmetrics.errors import ConfigError, StoreError
from attnmetrics.model.pack import Together
from attnmetrics.running.lease import FILE as LEASE
from attnmetrics.storage import Location
from attnmetrics.store.files import FOLDERS

if TYPE_CHECKING:  # those who read a finished run need none of what makes one
    from attnmetrics.running.stages import Job

CORPUS_FIELDS = frozenset({"corpus", "format", "text_field", "id_field", "text_documents", "max_documents"})
"""Fields that matter only through the documents they give, whose digest is compared instead."""

FORMAT = 4
"""Of `run.json` and of all that a run keeps to go on with; a folder of another one is refused."""


class _Corpus(BaseModel):
    documents: Annotated[int, Field(ge=0, lt=2**63)]
    shards: Annotated[int, Field(ge=0, lt=2**63)]
    left_out: dict[str, int]
    by: dict[str, dict[str, int]] = {}


class _Label(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    source: str
    title: str
    stem: str


class _Link(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    source: str
    title: str
    edges: list[str]


class _Schema(BaseModel):
    layers: list[int]
    heads: int
    labels: list[_Label]
    links: list[_Link]
    names: dict[str, list[str]]


class _Store(BaseModel):
    shards: Annotated[int, Field(ge=0, lt=2**63)]
    exemplars: Annotated[int, Field(ge=0, lt=2**63)]
    schema_: Annotated[_Schema, Field(alias="schema")]
    by: dict[str, list[str]] = {}


class _Batching(BaseModel):
    model_config = ConfigDict(extra="forbid")

    together: Together
    at_once: bool


class _Missing(BaseModel):
    shard: int
    stage: str
    reason: str


class _Importance(BaseModel):
    digest: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    masking: str | None
    loss: str
    shards: list[Annotated[int, Field(ge=0, lt=2**63)]]


class _Shape(BaseModel):
    """What the rest of the program relies on in `run.json`; there may be more."""

    model_config = ConfigDict(strict=True)

    status: str
    configuration: dict[str, Any]
    identity: dict[str, Any]
    corpus: _Corpus
    seconds: dict[str, FiniteFloat]
    peak_memory_bytes: dict[str, int]
    missing: list[_Missing] = []
    units: Annotated[int, Field(ge=0)] | None = None
    batching: _Batching | None = None
    store: _Store | None = None
    importance: _Importance | None = None
    outputs: dict[str, str] = {}
    apart: dict[str, str] = {}

    @field_validator("units", "batching", "store", "importance", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        """What may be left out is not null where it stands."""
        if value is None:
            raise ValueError("expected a value or no such entry, found null")
        return value


_START_ANEW = "give another --out, or remove the folder to start anew (keep its annotations with --annotations)"

_EXPLAINED = {
    "corpus digest": " (other documents: files changed, or flags that say what is read, such as --max-documents)",
    "annotator fingerprint": " (another version of the pipeline or of spaCy)",
    "model fingerprint": " (other files, or another commit on the Hub, which --revision names)",
}
"""What a user cannot read in a digest."""

Facts = dict[str, Any]
"""What `run.json` holds."""

Identity = dict[str, Any]
"""All that the bits of a result depend on."""


def identity_of(job: "Job") -> Identity:
    """All that the bits of a result depend on, but for the model's weights, which are known once it is loaded."""
    config, plan = job.config, job.plan
    fields = config.model_dump(mode="json", include=set(RESULT_FIELDS - CORPUS_FIELDS))
    if plan.gold is not None:
        fields.pop("annotator")
    versions = {f"version of {package}": version(package) for package in BIT_PACKAGES}
    modules = {f"text of {module}": digest for module, digest in job.declaration.functions.digests.items()}
    values = {"values of the fields of --by": plan.values_digest} if config.by else {}
    return {
        **fields,
        **values,
        **versions,
        **modules,
        "corpus digest": plan.digest,
        "annotator fingerprint": job.fingerprint,
    }


def read_own(folder: Location, identity: Identity) -> Facts | None:
    """The content of `run.json` of the run with this identity; None where the folder is free for it.

    Raises:
        StoreError: the folder holds another run, or something else.
    """
    facts = read_facts(folder)
    if facts is None:
        _refuse_foreign(folder)
    elif holds_measurements(folder, facts):
        check_identity(folder, facts, identity)
    return facts


def check_identity(folder: Location, facts: Facts, expected: Mapping[str, Any]) -> None:
    """Compare what a run's record says of its identity, as far as it does, with what is expected.

    Raises:
        StoreError: the folder's run differs; the message names every difference.
    """
    found = {"by": [], **facts["identity"]}
    differences = [
        f"  {name}: {found[name]!r} there, {value!r} now{_EXPLAINED.get(name, '')}"
        for name, value in expected.items()
        if name in found and found[name] != value
    ]
    if differences:
        raise StoreError(
            f"{folder} holds a run with another configuration:\n" + "\n".join(differences) + "\n"
            f"make it as it was to go on, {_START_ANEW}"
        )


def holds_measurements(folder: Location, facts: Facts) -> bool:
    """Whether a shard of a run is measured: before, nothing stands in the way of another configuration.

    Raises:
        StoreError: the folder cannot be read.
    """
    try:
        return "store" in facts and any(name.endswith(".json") for name in (folder / "commits").names())
    except OSError as error:
        raise _unreadable(folder, error) from None


def read_facts(folder: Location) -> Facts | None:
    """The content of `run.json`; None when there is none.

    Raises:
        StoreError: it cannot be read.
    """
    path = folder / "run.json"
    try:
        facts = json.loads(path.read())
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise StoreError(f"{folder}: expected a folder, found a file; give another folder") from None
    except OSError as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror or error}; mend its rights or the connection, or give another folder"
        ) from None
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is damaged: {error}; {_START_ANEW}") from None
    _check_format(path, facts)
    try:
        _Shape.model_validate(facts)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        where = f" at {'.'.join(map(str, fault['loc']))}" if fault["loc"] else ""
        raise StoreError(f"{path} is not the record of a run: {fault['msg']}{where}; {_START_ANEW}") from None
    if facts.pop("seal", None) not in (_seal(facts), None):
        raise StoreError(f"{path} is damaged: it is not what was written there; {_START_ANEW}")
    return cast(Facts, facts)


def _check_format(path: Location, facts: Any) -> None:
    """Refuse the record of a run that another version made.

    Raises:
        StoreError: it has another format, or none, as those of the first versions.
    """
    if isinstance(facts, dict) and (found := facts.get("format", "none")) != FORMAT:
        raise StoreError(
            f"{path} is of another version of attnmetrics ({facts.get('attnmetrics', 'unknown')}): expected format "
            f"{FORMAT}, found {found}; open the run with that version, or {_START_ANEW}"
        )


def write_facts(folder: Location, facts: Facts) -> None:
    """Replace `run.json`.

    Raises:
        StoreError: the folder cannot be written.
    """
    text = json.dumps(facts | {"seal": _seal(facts)}, indent=2, ensure_ascii=False)
    try:
        (folder / "run.json").write(text.encode())
    except OSError as error:
        raise StoreError(
            f"cannot write {folder / 'run.json'}: {error.strerror or error}; make room or mend "
            "the permission, then run the same command to go on"
        ) from None


def now() -> str:
    """Date and time, as `run.json` has them."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _seal(facts: Facts) -> str:
    return blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16).hexdigest()


def _refuse_foreign(folder: Location) -> None:
    """A folder with other things in it is not ours to fill, and shards of an unknown run are not ours to merge."""
    ours = {"annotations", LEASE, *FOLDERS}
    try:
        strangers = [name for name in folder.names() if name not in ours and not name.startswith(".")]
        measured = (folder / "commits").exists()
    except OSError as error:
        raise _unreadable(folder, error) from None
    if measured:
        raise StoreError(f"{folder} holds measured shards, but no run.json says of which run; {_START_ANEW}")
    if strangers:
        raise StoreError(
            f"{folder} exists and is no run: it holds {', '.join(sorted(strangers)[:3])}; give another --out"
        )


def _unreadable(folder: Location, error: OSError) -> StoreError:
    return StoreError(f"cannot read {folder}: {error.strerror or error}; correct --out or its rights")


def config_of(folder: Location, facts: Facts) -> RunConfig:
    """The configuration that `run.json` records.

    Raises:
        ConfigError: it is not valid.
    """
    try:
        return build_config(facts["configuration"])
    except ConfigError as error:
        raise ConfigError(f"{folder / 'run.json'}: {error}") from None
