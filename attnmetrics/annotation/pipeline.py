"""A spaCy pipeline: found, told apart from others, loaded without the components that nothing asks for, and probed."""

import json
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from attnmetrics.annotation.sentence import NO_ENTITY
from attnmetrics.errors import AnnotationError, first_line

VERSION: Final = 3
"""Of what is taken from a pipeline; part of the fingerprint."""

ATTRIBUTES: Final = {
    "pos": "POS",
    "rel": "DEP",
    "lemma": "LEMMA",
    "xpos": "TAG",
    "feats": "MORPH",
    "entity": "ENT_TYPE",
}
"""Column of the annotation → attribute of spaCy's tokens."""
EXTENSION: Final = "ext."
"""Columns of this prefix are extensions: `ext.KEY` is `token._.KEY`."""
CLUSTER: Final = "coref_clusters_"
"""Groups of spans of this prefix are the mentions of one entity each."""

_PROBE = "This is a test. The pipeline reads two sentences."
_ENTITIES = frozenset({"ner", "entity_ruler", "future_entity_ruler", "span_ruler"})
_COSTLY_LEMMAS = frozenset({"trainable_lemmatizer"})
"""It makes the package's own pipeline 1.44 times as slow; the lemmatizer by tables and rules 1.01 to 1.04 times."""
_NOT_NEEDED = frozenset(
    {"entity_linker", "span_finder", "spancat", "spancat_singlelabel", "textcat", "textcat_multilabel"}
)
_NEEDED = frozenset(
    {"tok2vec", "transformer", "tagger", "morphologizer", "attribute_ruler", "lemmatizer"}
    | {"parser", "senter", "sentencizer"}
)


def digest_pipeline(name: str) -> str:
    """Digest of the pipeline's name and version, or of its folder's files, and of spaCy's version.

    Raises:
        AnnotationError: spaCy is not installed, or there is no such pipeline.
    """
    state = blake2b(f"spacy,{VERSION},{_spacy_version()},".encode(), digest_size=16)
    package = _package_version(name)
    if package is not None:
        state.update(f"{name.replace('-', '_')},{package}".encode())
    else:
        _update_with_folder(state, _folder(name))
    return f"spacy-{state.hexdigest()}"


def check_columns(columns: AbstractSet[str]) -> None:
    """Refuse columns that no pipeline gives.

    Raises:
        AnnotationError: naming them.
    """
    missing = sorted(name for name in columns if name not in ATTRIBUTES and not name.startswith(EXTENSION))
    if missing:
        raise AnnotationError(
            f"expected labels of a pipeline's columns ({', '.join(map(_source, [*ATTRIBUTES, 'ext.KEY']))}), found "
            f"{', '.join(map(_source, missing))}, which CoNLL-U alone has; name an extension of the "
            "pipeline's tokens: word.ext.KEY"
        )


def _source(column: str) -> str:
    return f"word.{column}"


def load_pipeline(name: str, columns: AbstractSet[str]) -> tuple[Any, tuple[str, ...]]:
    """The pipeline, probed, without the components that nothing asks for; and the columns that it gives.

    Args:
        name: of an installed package, or the path of a folder.
        columns: that are asked for. `pos` and `rel` always are; `lemma`, `xpos` and `feats` are given too if no
            component has to run for them that costs.

    Raises:
        AnnotationError: it cannot be loaded, or does not give what is asked for.
    """
    _spacy_version()
    source = name if _package_version(name) is not None else str(_folder(name))
    try:
        import spacy

        pipeline = spacy.load(source)
        _disable_unneeded(pipeline, columns)
        doc = pipeline(_PROBE)
    except Exception as error:  # a pipeline's components raise anything
        raise AnnotationError(
            f"cannot load the pipeline {name}: {type(error).__name__}: {first_line(error)}{_made_for(source)}; install "
            f"the version for this spaCy ({_spacy_version()}), e.g. python -m spacy download NAME, or name "
            "another with --annotator"
        ) from error
    _check_probe(doc, pipeline, name)
    return pipeline, _given_columns(doc, pipeline, name, columns)


def _disable_unneeded(pipeline: Any, columns: AbstractSet[str]) -> None:
    """Leaves out what no column needs, unless an extension, or a component that is not spaCy's, might need it."""
    unneeded = set(_NOT_NEEDED)
    unneeded |= _ENTITIES if "entity" not in columns else set()
    unneeded |= _COSTLY_LEMMAS if "lemma" not in columns else set()
    if any(name.startswith(EXTENSION) for name in columns) or _reads_all(pipeline):
        return
    for part, factory in _factories(pipeline).items():
        if factory in unneeded and not _fills_cluster(pipeline, part):
            pipeline.disable_pipe(part)


def _factories(pipeline: Any) -> dict[str, str]:
    """Component → what made it."""
    return {part: pipeline.get_pipe_meta(part).factory for part in pipeline.pipe_names}


def may_give_mentions(pipeline: Any) -> bool:
    """Whether a component may group spans as mentions: it is told to, or it is not spaCy's and may assign anything."""
    assigned = [pipeline.get_pipe_meta(part).assigns for part in _foreign_parts(pipeline)]
    foreign = any(not assigns or "doc.spans" in assigns for assigns in assigned)
    return foreign or any(_fills_cluster(pipeline, part) for part in pipeline.pipe_names)


def _fills_cluster(pipeline: Any, part: str) -> bool:
    """Whether it is a component whose spans are told to be an entity's mentions."""
    return str(getattr(pipeline.get_pipe(part), "key", "")).startswith(CLUSTER)


def _foreign_parts(pipeline: Any) -> list[str]:
    """The components that are not spaCy's."""
    known = _NEEDED | _NOT_NEEDED | _ENTITIES | _COSTLY_LEMMAS
    return [part for part, factory in _factories(pipeline).items() if factory not in known]


def _reads_all(pipeline: Any) -> bool:
    """Whether a part of speech or a relation may follow from entities or lemmas."""
    factories = _factories(pipeline)
    if _foreign_parts(pipeline):
        return True
    rules = " ".join(str(pipeline.get_pipe(p).patterns) for p, f in factories.items() if f == "attribute_ruler")
    return "LEMMA" in rules or "ENT_" in rules


def _given_columns(doc: Any, pipeline: Any, name: str, columns: AbstractSet[str]) -> tuple[str, ...]:
    """`pos`, `rel`, what the probe has of the others, and what is asked for, checked to be there."""
    given = [column for column in ("pos", "rel", "lemma", "xpos", "feats") if doc.has_annotation(ATTRIBUTES[column])]
    if "entity" in columns and (entity_parts(pipeline) or _reads_all(pipeline)):
        given.append("entity")
    extensions = sorted(name for name in columns if name.startswith(EXTENSION))
    given += [column for column in extensions if doc[0].has_extension(column.removeprefix(EXTENSION))]
    if missing := sorted(columns - set(given)):
        raise AnnotationError(
            f"expected the pipeline {name} to give {', '.join(missing)}, found {', '.join(given)} (components: "
            f"{', '.join(pipeline.pipe_names)}); take one that gives it with --annotator"
        )
    return tuple(given)


def entity_parts(pipeline: Any) -> list[str]:
    """The components that find entities."""
    return [part for part, factory in _factories(pipeline).items() if factory in _ENTITIES]


def _check_probe(doc: Any, pipeline: Any, name: str) -> None:
    parts = ", ".join(pipeline.pipe_names) or "nothing"
    given = [what for what in ("TAG", "POS", "MORPH", "DEP", "SENT_START") if doc.has_annotation(what)]
    needed = {"DEP": "dependencies", "SENT_START": "sentences", "POS": "parts of speech"}
    for attribute, what in needed.items():
        if attribute not in given:
            raise AnnotationError(
                f"expected the pipeline {name} to give sentences, parts of speech and dependencies; found no {what} "
                f"({attribute}) in its output, which has {', '.join(given) or 'no annotation'} (components: "
                f"{parts}); take one "
                "with a parser and a tagger, such as en_core_web_sm"
            )


def declared_relations(pipeline: Any, name: str) -> set[str]:
    """The labels of the components that set dependencies, and ROOT, which spaCy gives to roots by itself."""
    parts = [part for part in pipeline.pipe_names if "token.dep" in pipeline.get_pipe_meta(part).assigns]
    labels = {str(label) for part in parts for label in pipeline.pipe_labels.get(part, ())}
    labels = {label for label in labels if label and "||" not in label}  # || marks what the parser undoes
    if not labels:
        raise AnnotationError(
            f"expected the pipeline {name} to declare its dependency relations, found none (components: "
            f"{', '.join(pipeline.pipe_names)}); take one with spaCy's parser"
        )
    return labels | ({"ROOT"} if "root" not in labels else set())


def declared_entities(pipeline: Any) -> set[str] | None:
    """The types that the components declare, and `O`; None where a component that is not spaCy's may give others."""
    if _reads_all(pipeline):
        return None
    return {NO_ENTITY}.union(*(pipeline.pipe_labels.get(part, ()) for part in entity_parts(pipeline)))


def _spacy_version() -> str:
    try:
        return metadata.version("spacy")
    except metadata.PackageNotFoundError as error:
        raise AnnotationError(
            "expected spaCy to annotate text, found it not installed; pip install 'spacy>=3.8,<3.9'"
        ) from error


def _package_version(name: str) -> str | None:
    """The version of an installed pipeline package; None if there is none of this name."""
    if not name.replace("_", "").replace("-", "").isalnum():
        return None
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _folder(name: str) -> Path:
    """The folder of a pipeline, checked to be one."""
    path = Path(name).expanduser()
    if not path.exists():
        raise AnnotationError(
            f"expected a spaCy pipeline, found neither an installed package nor a folder named {name!r}; install "
            "it with "
            f"python -m spacy download {path.name} (needs a network), or give the path of a pipeline's folder"
        )
    if not (path / "config.cfg").is_file() or not (path / "meta.json").is_file():
        raise AnnotationError(
            f"expected the folder of a spaCy pipeline, found no config.cfg and meta.json in {path}; give the "
            "folder that "
            "nlp.to_disk wrote"
        )
    return path


def _update_with_folder(state: Any, folder: Path) -> None:
    """Adds the relative paths and contents of all files, hidden ones left out."""
    try:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in relative.parts):
                content = path.read_bytes()
                state.update(f"{relative.as_posix()},{len(content)},".encode())
                state.update(content)
    except OSError as error:
        raise AnnotationError(f"cannot read the pipeline {folder}: {error.strerror}; correct its rights") from error


def _made_for(source: str) -> str:
    """The spaCy version that a pipeline's folder asks for."""
    try:
        version = json.loads((Path(source) / "meta.json").read_text()).get("spacy_version")
    except (OSError, ValueError, AttributeError):
        return ""
    return f" (it was made for spaCy {version})" if version else ""
