"""One validated configuration of a run: from flags, a YAML file or Python; flags win over the file."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PositiveInt,
    ValidationError,
    model_validator,
)

from attnmetrics.errors import ConfigError
from attnmetrics.storage import Location, expand, locate

DEFAULT_ANNOTATOR = "en_ud_core"
"""The English pipeline inside the package."""

IMPORTANCE_UNITS = 2_000
"""Sentences, or windows, in which the importance of attention is measured."""

Masking = Literal["mask", "bert", "none"]
"""What a model that reads both ways is given in the place of the pieces that it predicts: the mask; like BERT in
training, the mask for 80 %, any piece for 10 %, the piece itself for 10 %; or none is hidden, and all are predicted."""

LossOf = Literal["mean", "sum"]
"""A unit's loss is the mean, or the sum, of the negative log likelihoods of the pieces that are predicted in it."""

LAYER_LIMIT = 10_000
"""No model has as many layers; a larger number is a slip."""

FAULTS_SHOWN = 10
"""An error says no more than this many things at once."""


def _as_text(value: Any) -> Any:
    """A name or a path, the latter in full where it begins with `~`: a file's values have passed through no shell."""
    return expand(str(value)) if isinstance(value, str | Path) else value


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | Path) else value


def _as_layers(value: Any) -> Any:
    """`0-3,6` as (0, 1, 2, 3, 6)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return parse_numbers(value, "layers") if isinstance(value, str) else value


def parse_numbers(text: str, what: str) -> tuple[int, ...]:
    """`0-3,6` as (0, 1, 2, 3, 6).

    Raises:
        ValueError: these are no layers, or heads.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        numbers = [int(number) for number in (first, last or first) if number.isdecimal()]
        if len(numbers) < 2 or not numbers[0] <= numbers[1] < LAYER_LIMIT:
            raise ValueError(f"expected {what} such as 0-3,6")
        found.update(range(numbers[0], numbers[1] + 1))
    return tuple(sorted(found))


def _as_mapping(value: Any) -> Any:
    """`NAME=SOURCE` of flags, one or several, as a mapping; a mapping of a file stays as it is."""
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, list | tuple):
        return value
    pairs = [part.partition("=") for part in value if isinstance(part, str)]
    if len(pairs) < len(value) or not all(name and source for name, _, source in pairs):
        raise ValueError("expected NAME=SOURCE")
    if twice := [name for name, number in Counter(name for name, _, _ in pairs).items() if number > 1]:
        raise ValueError(f"expected each name once, found {twice[0][:80]!r} twice")
    return {name: source for name, _, source in pairs}


def _check_unit(value: str) -> str:
    """`sentence`, or `window:N` or `pair:N` with N of at least 2."""
    if value != "sentence" and not re.fullmatch(r"(window|pair):([2-9]|[1-9][0-9]+)", value):
        raise ValueError("expected 'sentence', or 'window:N' or 'pair:N' with N of at least 2 pieces")
    return value


def _check_fields(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of fields, each once, that a dimension can have."""
    if any(not name.strip() or "/" in name for name in names):
        raise ValueError("expected names of fields, without a slash")
    if len(set(names)) < len(names):
        raise ValueError("expected each field once")
    return names


def _as_sentences(value: Any) -> Any:
    return None if value == "all" else value


def _unless_auto(value: Any) -> Any:
    return None if value == "auto" else value


def _as_location(value: Any) -> Any:
    return locate(value) if isinstance(value, str | Path) else value


Workers = Annotated[
    PositiveInt | None,
    BeforeValidator(_unless_auto),
    Field(description="workers of the ray engine, or 'auto': as many as fit, as nodes join and leave"),
]
Address = Annotated[str | None, Field(description="Ray cluster to join; unset: $RAY_ADDRESS, else a local one")]
Folder = Annotated[Location, BeforeValidator(_as_location), PlainSerializer(str, return_type=str)]
"""A path or a URL of an object store."""


class RunConfig(BaseModel):
    """Everything that a run depends on. Each description is also the help text of the flag of that name."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), arbitrary_types_allowed=True)

    model: Annotated[
        str,
        BeforeValidator(_as_text),
        Field(min_length=1, description="Hub name or local folder of the model; 'demo' is the one in the package"),
    ]
    corpus: Annotated[
        tuple[Annotated[str, BeforeValidator(_as_text)], ...],
        BeforeValidator(_as_tuple),
        Field(min_length=1, description="files, folders, globs or fsspec URLs; 'demo' is the corpus in the package"),
    ]
    out: Annotated[Folder, Field(description="folder of the run: a path, or a URL such as s3://bucket/run")]

    annotator: Annotated[
        str,
        BeforeValidator(_as_text),
        Field(description="spaCy pipeline, by name or path (CoNLL-U brings its own annotations)"),
    ] = DEFAULT_ANNOTATOR
    annotations: Annotated[Folder | None, Field(description="folder of annotations, to share them between runs")] = None
    format: Annotated[
        Literal["auto", "text", "jsonl", "parquet", "conllu"], Field(description="format of the corpus files")
    ] = "auto"
    text_field: Annotated[str, Field(description="field of the text in JSON lines and Parquet")] = "text"
    id_field: Annotated[str, Field(description="field of the document id in JSON lines and Parquet")] = "id"
    text_documents: Annotated[Literal["file", "blank-line"], Field(description="what a document is in plain text")] = (
        "file"
    )
    max_documents: Annotated[PositiveInt | None, Field(description="read no more than this many documents")] = None
    unit: Annotated[
        str,
        AfterValidator(_check_unit),
        Field(
            description="what attention is measured in: 'sentence'; 'window:N', N pieces of a document; or 'pair:N', "
            "two segments of a document in N pieces"
        ),
    ] = "sentence"
    segment_ids: Annotated[
        Literal["tokenizer", "zero"],
        Field(description="segment ids of pairs: as the tokenizer numbers them, or all 0, as Clark et al. did"),
    ] = "tokenizer"
    sample_sentences: Annotated[
        PositiveInt | None, Field(description="measure exactly this many sentences, chosen by hash")
    ] = None
    metric_sentences: Annotated[
        PositiveInt | None, Field(description="of those, this many for the metrics; the others for exemplars only")
    ] = None
    seed: Annotated[int, Field(ge=0, description="seed of the hash that samples sentences")] = 0

    label: Annotated[
        dict[str, str],
        BeforeValidator(_as_mapping),
        Field(description="one more label of pieces, NAME=SOURCE, such as animacy=word.misc.Animacy; repeatable"),
    ] = {}
    link: Annotated[
        dict[str, str],
        BeforeValidator(_as_mapping),
        Field(description="one more link of pieces, NAME=SOURCE, such as same=python:my_module:same; repeatable"),
    ] = {}

    by: Annotated[
        tuple[str, ...],
        BeforeValidator(_as_tuple),
        AfterValidator(_check_fields),
        Field(
            description="field of documents, such as genre or meta::genre, by whose values (20 at most) every result "
            "is split too, in by_FIELD.zarr; repeatable"
        ),
    ] = ()

    revision: Annotated[str | None, Field(description="revision of a Hub model: branch, tag or commit")] = None
    trust_remote_code: Annotated[bool, Field(description="run model code that comes with the weights")] = False
    allow_pickle: Annotated[bool, Field(description="load weights that are not safetensors")] = False
    stack: Annotated[
        Literal["encoder", "decoder"] | None,
        Field(
            description="of an encoder-decoder, whose attention is measured; unset: the encoder's. A decoder reads the "
            "same text as its encoder"
        ),
    ] = None
    null_tokens: Annotated[
        Literal["first", "special", "none"] | None,
        Field(description="null pieces; unset: first for causal models, special for bidirectional ones"),
    ] = None
    layers: Annotated[
        tuple[int, ...] | None, BeforeValidator(_as_layers), Field(description="layers to measure, such as 0-3,6")
    ] = None
    exemplars: Annotated[int, Field(ge=0, le=10_000, description="exemplar sentences, or windows, per head")] = 50
    drawn_exemplars: Annotated[
        int,
        Field(ge=0, le=10_000, description="of these, how many the report draws with the attention in them"),
    ] = 5
    variability_sentences: Annotated[
        PositiveInt | None,
        BeforeValidator(_as_sentences),
        Field(description="sentences, or windows, kept for variability, or 'all'"),
    ] = 20_000
    map_sentences: Annotated[
        PositiveInt | None,
        BeforeValidator(_as_sentences),
        Field(
            description="sentences, or windows, whose attention between words is looked at, an equal number a shard; "
            "or 'all'"
        ),
    ] = 20_000
    token_occurrences: Annotated[
        PositiveInt,
        Field(description="how often a piece must occur in these, to be among those that a head attends to most"),
    ] = 5
    similarity_rows: Annotated[
        PositiveInt | None,
        BeforeValidator(_as_sentences),
        Field(description="rows of attention that heads are compared in, fewer for models of many heads; or 'all'"),
    ] = 4_096
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="where the model runs; auto takes a GPU if there is one")
    ] = "auto"
    dtype: Annotated[Literal["float32", "bfloat16"], Field(description="precision of the forward pass")] = "float32"
    batch_pieces: Annotated[
        PositiveInt | None, Field(description="word pieces in a batch; unset: 1,024 on a CPU, 32,768 on a GPU")
    ] = None
    shard_characters: Annotated[
        PositiveInt | None,
        BeforeValidator(_unless_auto),
        Field(
            description="characters in a shard, the unit of recovery and of confidence intervals; 'auto': whole "
            "documents up to 200,000, less where that makes fewer than 64 shards"
        ),
    ] = None
    confidence: Annotated[
        float, Field(ge=0.5, lt=1, description="how often an interval of a result is to hold the true value")
    ] = 0.95

    allow_missing: Annotated[
        bool, Field(description="make tables without the shards that failed; the tables say so")
    ] = False

    engine: Annotated[Literal["ray", "inline"], Field(description="where shards are worked on")] = "ray"
    workers: Workers = None
    threads: Annotated[
        int, Field(ge=1, le=256, description="threads per worker: as many batches are read at the same time")
    ] = 1
    shard_timeout_seconds: Annotated[
        PositiveInt | None, Field(description="a stage of a shard that takes longer is stopped, and tried again")
    ] = 3600
    address: Address = None

    @model_validator(mode="after")
    def _check(self) -> "RunConfig":
        if self.metric_sentences and self.sample_sentences and self.metric_sentences > self.sample_sentences:
            raise ValueError(
                f"metric_sentences ({self.metric_sentences}) must not exceed sample_sentences ({self.sample_sentences})"
            )
        if self.window and (self.sample_sentences or self.metric_sentences):
            raise ValueError(
                f"unit {self.unit} takes whole documents, and no sentences can be sampled; leave out sample_sentences "
                "and metric_sentences, or unit"
            )
        if self.segment_ids == "zero" and not self.pairs:
            raise ValueError("segment_ids are of pairs of segments; leave it out, or set unit to pair:N")
        if self.layers is not None and not self.layers:
            raise ValueError("layers is empty; leave it out to measure all layers")
        return self

    @property
    def window(self) -> int | None:
        """Pieces of a window or a pair; None where the unit is a sentence."""
        return None if self.unit == "sentence" else int(self.unit.partition(":")[2])

    @property
    def pairs(self) -> bool:
        """Whether the unit is a pair of segments."""
        return self.unit.startswith("pair:")

    @property
    def annotation_folder(self) -> Location:
        """Where annotations are cached."""
        return self.annotations or self.out / "annotations"


class ProbeConfig(BaseModel):
    """What probes are to learn from and to be tried on. Each description is also the help text of the flag."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    treebank: Annotated[
        tuple[Annotated[str, BeforeValidator(_as_text)], ...],
        BeforeValidator(_as_tuple),
        Field(min_length=1, description="CoNLL-U files to learn from: files, folders, globs or URLs"),
    ]
    test: Annotated[
        tuple[Annotated[str, BeforeValidator(_as_text)], ...],
        BeforeValidator(_as_tuple),
        Field(min_length=1, description="CoNLL-U files to be tried on, likewise"),
    ]
    sentences: Annotated[
        PositiveInt | None,
        BeforeValidator(_as_sentences),
        Field(description="sentences to learn from, chosen by hash, or 'all'"),
    ] = 5_000
    test_sentences: Annotated[
        PositiveInt | None, BeforeValidator(_as_sentences), Field(description="sentences to be tried on, likewise")
    ] = None
    word_vectors: Annotated[
        Folder | None, Field(description="word vectors in GloVe's text format; unset: the model's own embeddings")
    ] = None
    recipe: Annotated[
        Literal["lbfgs", "clark"],
        Field(description="clark: also as the paper trained, one epoch of Adam, with and without its ROOT bug"),
    ] = "lbfgs"
    random_models: Annotated[
        int, Field(ge=0, le=100, description="models of the same shape with random weights, as a baseline")
    ] = 3
    penalty: Annotated[
        float,
        Field(gt=0, allow_inf_nan=False, description="λ, what the sum of squared weights costs beside the mean loss"),
    ] = 1e-4
    iterations: Annotated[PositiveInt, Field(description="of a fit, at most")] = 500
    engine: Annotated[Literal["ray", "inline"] | None, Field(description="unset: as the run")] = None
    workers: Workers = None
    threads: Annotated[int | None, Field(ge=1, le=256, description="per worker; unset: as the run")] = None
    address: Address = None


_Config = TypeVar("_Config", RunConfig, ProbeConfig)

RESULT_FIELDS = frozenset(RunConfig.model_fields) - {
    "confidence",
    "out",
    "annotations",
    "engine",
    "workers",
    "threads",
    "shard_timeout_seconds",
    "address",
    "allow_missing",
}
"""Fields that can change a result; two runs that differ elsewhere give the same bits.

`confidence` is of intervals alone, which a merge makes again."""


def build_config(
    values: Mapping[str, Any], file: Path | None = None, defaults: Mapping[str, Any] | None = None
) -> RunConfig:
    """Validate `values` over those of a YAML file, and these over `defaults`.

    Raises:
        ConfigError: a field is unknown, missing or out of range, or the file cannot be read.
    """
    merged = {**(defaults or {}), **(_read(file) if file else {}), **values}
    return _validate(RunConfig, merged, f" (flags over {file})" if file else "")


def _read(file: Path) -> dict[str, Any]:
    from attnmetrics.yaml_files import read_yaml  # late: few commands need it, and help is quick

    return read_yaml(file)


def build_probe_config(values: Mapping[str, Any]) -> ProbeConfig:
    """Validate what `attnmetrics probe` is to do.

    Raises:
        ConfigError: a field is unknown, missing or out of range.
    """
    return _validate(ProbeConfig, values)


def _validate(kind: type[_Config], values: Mapping[str, Any], where: str = "") -> _Config:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        faults = error.errors()
        lines = [f"  {_describe(item)}" for item in faults[:FAULTS_SHOWN]]
        if more := len(faults[FAULTS_SHOWN:]):
            lines.append(f"  and {more} more")
        if any(item["type"] == "extra_forbidden" for item in faults):
            lines.append(f"fields are {', '.join(sorted(kind.model_fields))}")
        raise ConfigError("the configuration is not valid" + where + ":\n" + "\n".join(lines)) from None


def _describe(item: Mapping[str, Any]) -> str:
    if not item["loc"]:  # of several fields: the message names them
        return str(item["msg"]).removeprefix("Value error, ")
    field = str(item["loc"][0])[:80]
    if item["type"] == "missing":
        return f"{field}: is required; give --{field.replace('_', '-')} or set it in the file"
    if item["type"] == "extra_forbidden":
        return f"{field}: no such field"
    return f"{field}: {item['msg'].removeprefix('Value error, ')}; found {_SHORT.repr(item['input'])}"


_SHORT = Repr()
"""YAML's references let a short file spell a value that would fill the memory."""
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = 80
