"""A flag for every field of a configuration, so that what can be set is written in one place."""

import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from attnmetrics.config import RunConfig

SHORT_FLAGS = {"model": "-m", "corpus": "-c", "out": "-o", "workers": "-w"}
REPEATABLE = ("corpus", "label", "link", "by", "treebank", "test")


def takes_config(command: Callable[..., None], kind: type[BaseModel] = RunConfig) -> Callable[..., None]:
    """Give a command a flag for every field of a configuration; what was given arrives as `values`."""

    def wrapper(**arguments: Any) -> None:
        fields = {name: arguments.pop(name) for name in kind.model_fields}
        command(values={name: value for name, value in fields.items() if value not in (None, [])}, **arguments)

    own = [item for item in inspect.signature(command).parameters.values() if item.name != "values"]
    flags = [_flag(name, field) for name, field in kind.model_fields.items()]
    wrapper.__signature__ = inspect.Signature([*flags, *own])  # type: ignore[attr-defined]
    wrapper.__doc__ = command.__doc__
    wrapper.__name__ = command.__name__
    return wrapper


def _flag(name: str, field: FieldInfo) -> inspect.Parameter:
    """The parameter of one field. Values arrive as text and are checked by the configuration, in one place."""
    flags = ["--" + name.replace("_", "-"), *([SHORT_FLAGS[name]] if name in SHORT_FLAGS else [])]
    shown = "" if field.is_required() or field.default in (None, {}, (), False) else f" (default: {field.default})"
    help_text = f"{field.description}{shown}"
    if field.annotation is bool:
        flags = [f"{flags[0]}/--no-{flags[0][2:]}"] if field.default else flags
        kind: Any = Annotated[bool | None, typer.Option(*flags, help=help_text, show_default=False)]
    else:
        container = list[str] if name in REPEATABLE else str
        option = typer.Option(*flags, help=help_text, metavar=_metavar(name, field.annotation), show_default=False)
        kind = Annotated[container | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _metavar(name: str, annotation: Any) -> str:
    if name in ("corpus", "out", "annotations", "treebank", "test", "word_vectors"):
        return "PATH"
    if name in ("label", "link"):
        return "NAME=SOURCE"
    if name == "by":
        return "FIELD"
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    numbers = {"int": "N", "float": "SHARE" if name == "confidence" else "X"}
    return "|".join(choices) or next((sign for kind, sign in numbers.items() if kind in str(annotation)), "NAME")
