"""How many cases the score of a role is a share of, and what holds on documents that did not choose the head."""

from typing import Final

import numpy as np

from attnmetrics.describing.rules import Over, Rule, Term
from attnmetrics.describing.tables import Tables, has
from attnmetrics.views.certainty import bear
from attnmetrics.views.numbers import number
from attnmetrics.views.tables import shown

OF: Final = "of "
OVER: Final = "over "
HELD_OUT: Final = "; chosen on other documents "


def cases_and_held_out(told: str) -> tuple[str, str]:
    """What `RoleEvidence.told` says in two parts: `("66 edges", "61% [48 to 73%]")`, each "" where there is none."""
    cases, _, held_out = told.removeprefix(OF).removeprefix(OVER).partition(HELD_OUT)
    return cases, held_out


class RoleEvidence:
    """Of a run's tables; what is said of a rule at a label is made once."""

    def __init__(self, tables: Tables) -> None:
        """Of a run."""
        self._tables = tables
        self._known: dict[tuple[str, ...], tuple[str, tuple[float, float], str]] = {}

    def told(self, rule: Rule | None, label: str, layer: int, head: int) -> str:
        """Of how many cases, and of the head that finds most of them what its like finds on the half of the documents
        that did not choose it: "of 66 edges; chosen on other documents 61% [48 to 73%]"; of a score that is no
        share of counted cases, what it is taken over: "over 1,568 pieces that came before"; "" where that is unknown.
        """
        if rule is None:
            return ""
        if rule.count is None:
            return self._over(rule.over)
        key = (rule.score.result, *map(str, rule.score.at.values()), label)
        if key not in self._known:
            self._known[key] = (self._count(rule.count, rule, label), *self._best(rule, label))
        cases, best, held_out = self._known[key]
        return f"{OF}{cases}{held_out if best == (layer, head) else ''}"

    def _over(self, over: Over | None) -> str:
        data = self._tables.data
        if over is None or over.result not in data.variables:
            return ""
        return f"{OVER}{number(float(data.variables[over.result]))} {over.words.replace('{unit}', self._tables.unit)}"

    def _count(self, count: Term, rule: Rule, label: str) -> str:
        return shown(self._tables.data[count.result], self._at(count, rule, label))

    def _best(self, rule: Rule, label: str) -> tuple[tuple[float, float], str]:
        """Numbers of the layer and head that find most, and what is said of them."""
        stem = rule.score.result.removesuffix("accuracy")
        layer, head, accuracy = (
            rule.score.model_copy(update={"result": f"{stem}best_{name}"}) for name in ("layer", "head", "accuracy")
        )
        if not all(has(self._tables.data, term) for term in (layer, head, accuracy)):
            return (np.nan, np.nan), ""
        low, high = (float(bound[0, 0, 0]) for bound in self._tables.bounds(accuracy, rule.each, [label]))
        told, interval = bear(self._tables.data[accuracy.result], self._at(accuracy, rule, label), low, high)
        known = f" [{interval}]" if not np.isnan(low) else ""
        return (self._at(layer, rule, label), self._at(head, rule, label)), f"{HELD_OUT}{told}{known}"

    def _at(self, term: Term, rule: Rule, label: str) -> float:
        return float(self._tables.find(term, rule.each, [label])[0, 0, 0])
