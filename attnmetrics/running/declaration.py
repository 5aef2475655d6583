"""What a run measures: its labels and links as they are declared, and the names that the labels turn out to have."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from attnmetrics.annotation.functions import Functions
from attnmetrics.annotation.sentence import Declared
from attnmetrics.annotation.sources import check_source, columns_of
from attnmetrics.annotation.vocabulary import choose_names, count_rest
from attnmetrics.config import RunConfig
from attnmetrics.errors import ConfigError
from attnmetrics.metrics.family import Label, Link
from attnmetrics.metrics.schema import COREFERENCE, COREFERENT, SPECIAL, Schema, declare, is_of_pieces

COSTLY = ("entity", "ext.", "lemma")
"""Columns, or what they begin with, that a pipeline gives where they are asked for."""

ENTITY = Label("entity", "word.entity", "type of entity", "entity")
"""A label of runs whose annotations have it."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The labels and links of a run."""

    labels: tuple[Label, ...]
    links: tuple[Link, ...]
    functions: Functions
    """of the user's"""

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the annotation that the labels need."""
        return frozenset[str]().union(*(columns_of(label.source) for label in self.labels))

    def with_entity(self) -> "Declaration":
        """With the label of entities, where there is none of its name."""
        names = {*(label.name for label in self.labels), *(link.name for link in self.links)}
        return self if ENTITY.name in names else replace(self, labels=(*self.labels, ENTITY))

    def with_coreference(self) -> "Declaration":
        """With the link of coreference."""
        return replace(self, links=(*self.links, COREFERENT))

    def check_mentions(self, there_are_some: bool) -> None:
        """Refuse links between mentions where there are none.

        Raises:
            ConfigError: naming them.
        """
        links = [link.name for link in self.links if link.source == COREFERENCE]
        if links and not there_are_some:
            raise ConfigError(
                f"expected a corpus with mentions of entities for the link {', '.join(links)} of {COREFERENCE}, found "
                "none; take CoNLL-U with Entity= in MISC or a pipeline that fills coref_clusters_*, or leave it out"
            )

    def uncounted(self, declared: Declared) -> dict[str, str]:
        """The labels, name → source, whose names nobody declares: they are to be counted."""
        return {
            label.name: label.source
            for label in self.labels
            if not is_of_pieces(label.source) and _column(label) not in declared
        }


def declare_run(config: RunConfig) -> Declaration:
    """The labels and links of every run, and those of the configuration.

    Raises:
        ConfigError: a name that is none or is taken; a source that is none.
        AnnotationError: a function of the user's that cannot be imported.
    """
    for source in config.label.values():
        check_source(source, "label")
    for source in config.link.values():
        check_source(source, "link")
    labels, links = declare(config.label, config.link)
    return Declaration(labels, links, Functions.find([*config.label.values(), *config.link.values()]))


def make_schema(
    declaration: Declaration,
    layers: tuple[int, ...],
    heads: int,
    declared: Declared,
    counts: Mapping[str, Mapping[str, int]],
) -> Schema:
    """The schema of a run.

    Args:
        declaration: its labels and links.
        layers: that are measured.
        heads: of a layer.
        declared: names that the annotator declares, by column.
        counts: of the other labels, words with each name.
    """
    names = {label.name: _names(label, declared, counts) for label in declaration.labels}
    return Schema(layers, heads, declaration.labels, declaration.links, names)


def names_in_rest(schema: Schema, counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """By label, how many names are told apart no more, where there are some."""
    numbers = {label: count_rest(found, schema.names[label]) for label, found in counts.items()}
    return {label: number for label, number in numbers.items() if number}


def _names(label: Label, declared: Declared, counts: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    if is_of_pieces(label.source):
        return SPECIAL
    return declared[_column(label)] if _column(label) in declared else choose_names(counts[label.name])


def _column(label: Label) -> str:
    """The column whose names are the label's, if it is one of a column."""
    return label.source.removeprefix("word.")
