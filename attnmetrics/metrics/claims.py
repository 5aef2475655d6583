"""What exemplars can answer: the claims that a pair of pieces may be evidence of, numbered for a run.

A claim is a set of pairs (attending, attended piece): those whose attended piece has a name, those of a link,
neighbours, those at a unit's most attended column.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from attnmetrics.metrics.schema import Schema
from attnmetrics.metrics.syntax import RULES

NEIGHBOURS: Final = {"previous": -1, "current": 0, "next": 1}
"""Name → j − i."""
SECOND_SINK: Final = "second_sink"
EITHER: Final = "either"
COREFERENCE: Final = "coreference"


@dataclass(frozen=True, eq=False)
class Claims:
    """The claims of a run, by name and by number: labels', links', neighbours', the second sink's.

    After these come, without names of their own, the hits and misses of every relation by every rule, then those of
    coreference: only those of the best head are shown.
    """

    schema: Schema

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Such as `pos_to:DET`, `dependency:attending_is_parent`, `repeat`, `previous`."""
        schema = self.schema
        labels = [f"{label.stem}_to:{name}" for label in schema.labels for name in schema.names[label.name]]
        return (*labels, *(name for link in schema.links for name in _of_link(link.name, link.edges)), *_PLACES)

    @cached_property
    def first_of_label(self) -> dict[str, int]:
        """By label, the number of its first name."""
        first, firsts = 0, {}
        for label in self.schema.labels:
            firsts[label.name] = first
            first += len(self.schema.names[label.name])
        return firsts

    @property
    def first_of_links(self) -> int:
        """The number of the first group of pairs (see `Schema.groups`)."""
        return sum(len(self.schema.names[label.name]) for label in self.schema.labels)

    def number(self, name: str) -> int:
        """The number of a claim."""
        return self.names.index(name)

    @property
    def rels(self) -> tuple[str, ...]:
        """The relations."""
        return self.schema.names["rel"]

    def first_of_relation(self, rule: int) -> int:
        """The number of the first relation's hits by a rule; its misses' is the next one."""
        return len(self.names) + 2 * len(self.rels) * rule

    @property
    def first_of_coreference(self) -> int:
        """The number of coreference's hits; its misses' is the next one."""
        return self.first_of_relation(len(RULES))

    def question(self, number: int) -> str:
        """What a claim's pairs answer, right or wrong; "" for a claim with a name.

        Example: `relation:obj:row` asks every obj for its parent, `coreference` every anaphor for an antecedent.
        """
        place, rels = (number - len(self.names)) // 2, len(self.rels)
        if place < 0:
            return ""
        rule, rel = divmod(place, rels) if rels else (len(RULES), 0)
        return COREFERENCE if rule == len(RULES) else relation_question(RULES[rule], self.rels[rel])

    @property
    def either(self) -> dict[str, tuple[int, ...]]:
        """Claims that are two others at once, name → their numbers: a link in whichever direction."""
        links = [link for link in self.schema.links if link.edges]
        return {f"{link.name}:{EITHER}": tuple(map(self.number, _of_link(link.name, link.edges))) for link in links}


_PLACES: Final = (*NEIGHBOURS, SECOND_SINK)


def relation_question(rule: str, rel: str) -> str:
    """The name of the question for the other end of a relation's edges by a rule."""
    return f"relation:{rel}:{rule}"


def _of_link(name: str, edges: tuple[str, ...]) -> tuple[str, ...]:
    """A link's claims, one a group of its pairs."""
    return tuple(f"{name}:{edge}" for edge in edges) or (name,)


def is_by_column(question: str) -> bool:
    """Whether it is asked of the attended word which word attends to it."""
    return question.endswith(":column")
