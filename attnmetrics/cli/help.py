"""How commands are explained in the terminal: flags in groups, those to begin with first, at any width."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

BEGIN_WITH: Final = "To begin with"
OTHERS: Final = "Options"
GROUPS: Final[Mapping[str, Sequence[str]]] = {
    BEGIN_WITH: ("model", "corpus", "annotator", "out", "sample_sentences", "treebank", "test"),
    "Corpus": (
        *("format", "text_field", "id_field", "text_documents", "max_documents", "annotations", "metric_sentences"),
        *("seed", "sentences", "test_sentences"),
    ),
    "Model": ("layers", "stack", "null_tokens", "device", "dtype", "revision", "trust_remote_code", "allow_pickle"),
    "What is measured": (
        *("unit", "segment_ids", "label", "link", "by", "variability_sentences", "map_sentences", "similarity_rows"),
        *("word_vectors", "recipe", "random_models", "penalty", "iterations"),
    ),
    "Engine": (
        *("engine", "workers", "threads", "address", "batch_pieces", "shard_characters", "shard_timeout_seconds"),
    ),
    "Output": ("exemplars", "drawn_exemplars", "token_occurrences", "confidence", "allow_missing"),
}
"""Fields of configurations by the group of their flags, in the order of the help; all else is in `OTHERS`."""

NARROWEST: Final = 18
"""Least characters of the column of flags."""

Row = tuple[str, str]
"""A flag as it is written, and what it is for."""


class Command(TyperCommand):
    """A command whose flags are explained in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of the help."""
        for title, rows in _sections(self.get_params(ctx), ctx):
            with formatter.section(title):
                formatter.write_dl(rows, col_max=max(NARROWEST, formatter.width // 3))


class Commands(TyperGroup):
    """All commands, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the section of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, str(one.help).partition("\n")[0]) for name, one in self.commands.items()])


def group_of(field: str | None) -> str:
    """The group of a field's flag."""
    return next((title for title, fields in GROUPS.items() if field in fields), OTHERS)


def _sections(params: Iterable[Any], ctx: Any) -> Iterator[tuple[str, list[Row]]]:
    """The groups that a command has flags of, in order; arguments before all flags."""
    told = [(param, record) for param in params if (record := param.get_help_record(ctx))]
    arguments = [record for param, record in told if param.param_type_name == "argument"]
    flags = [(param.name, record) for param, record in told if param.param_type_name == "option"]
    found = {title: _ordered(title, flags) for title in (*GROUPS, OTHERS)}
    yield from ((title, rows) for title, rows in {"Arguments": arguments, **found}.items() if rows)


def _ordered(title: str, flags: Sequence[tuple[str, Row]]) -> list[Row]:
    """The flags of a group in its own order; those of no group in theirs."""
    order = GROUPS.get(title, [name for name, _ in flags])
    own = [(name, row) for name, row in flags if group_of(name) == title]
    return [row for _, row in sorted(own, key=lambda one: order.index(one[0]))]
