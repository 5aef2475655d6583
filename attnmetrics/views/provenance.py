"""Where a run's text, labels and model come from, when and with what they were measured: in short, and all."""

from collections.abc import Mapping
from functools import cache
from pathlib import PurePath
from typing import Any, Final, TypeAlias

from attnmetrics.assets import ASSETS
from attnmetrics.views.facts import model_name
from attnmetrics.views.numbers import number
from attnmetrics.views.pieces import visible
from attnmetrics.yaml_files import read_own_yaml

DIRECTIONS: Final = {True: "reads left to right", False: "reads both ways"}
_Told: TypeAlias = tuple[str, str]
_DIGITS: Final = 12
"""Of a fingerprint, enough to tell one from another."""


@cache
def shipped() -> dict[str, dict[str, dict[str, str]]]:
    """What is declared of corpora, pipelines and models that ship with the package, by name."""
    return dict(read_own_yaml(ASSETS / "provenance.yaml"))


def provenance(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what, in short, what else is known) of text, labels, model, measurement; only what the facts of run.json say."""
    rows = [
        ("text", _text(facts)), ("labels", _labels(facts)), ("model", _model(facts)), ("measured", _measured(facts)),
    ]  # fmt: skip
    return [(what, visible(short), visible(more)) for what, (short, more) in rows if short or more]


def _text(facts: Mapping[str, Any]) -> _Told:
    corpus = _table(facts, "corpus")
    paths = corpus.get("paths") or _table(facts, "configuration").get("corpus") or ()
    names = (paths,) if isinstance(paths, str) else tuple(map(str, paths))
    declared = shipped()["corpora"].get(names[0]) if len(names) == 1 else None
    count = corpus.get("documents")
    size = f"{number(float(count))} document{'' if count == 1 else 's'}" if isinstance(count, int) else ""
    digest = "" if declared else _short("digest", corpus.get("digest"))
    shown = " + ".join(PurePath(name).name for name in names[:3]) + " + …" * (len(names) > 3)
    kind = f"{declared['kind']} ({declared['licence']})" if declared else ""
    return _joined(shown, kind), _joined(size, digest, declared["words"] if declared else "")


def _labels(facts: Mapping[str, Any]) -> _Told:
    annotator = _table(facts, "annotator")
    name = str(annotator.get("name") or _table(facts, "configuration").get("annotator") or "")
    if name.startswith("CoNLL-U"):
        return "the corpus's own (CoNLL-U)", ""
    declared = shipped()["pipelines"].get(name)
    version = f" {declared['version']}" if declared else ""
    known = _declared(declared) or _short("fingerprint", annotator.get("fingerprint"))
    return (f"pipeline {PurePath(name).name}{version}", known) if name else ("", "")


def _model(facts: Mapping[str, Any]) -> _Told:
    model = _table(facts, "model")
    asked = str(_table(facts, "configuration").get("model") or "")
    revision = model.get("revision") or _table(facts, "configuration").get("revision")
    direction = DIRECTIONS.get(model.get("causal"), "")  # type: ignore[arg-type]
    more = (
        str(model.get("class") or ""),
        f"revision {revision}" if revision else "",
        _short("fingerprint", model.get("fingerprint")),
        _declared(shipped()["models"].get(asked)),
    )
    return _joined(model_name(facts), direction), _joined(*more)


def _measured(facts: Mapping[str, Any]) -> _Told:
    versions = _table(facts, "versions")
    used = [f"{name} {versions[name]}" for name in ("torch", "transformers") if name in versions]
    day = str(facts.get("started") or "").partition("T")[0]
    version = facts.get("attnmetrics")
    return _joined(day, f"attnmetrics {version}" if version else ""), _joined(*used)


def _declared(known: Mapping[str, str] | None) -> str:
    return f"{known['words']} ({known['licence']})" if known else ""


def _short(what: str, value: Any) -> str:
    """A fingerprint by its first digits, what makes it left out: `spacy-abe3…` is `abe3…`."""
    return f"{what} {str(value).rpartition('-')[2][:_DIGITS]}" if value else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _table(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}
