"""The heads that answer a question, in groups by whether the nearest word of a class finds their relations as well."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from attnmetrics.describing.questions import HEAD, Answer

Heads = Sequence[tuple[int, int]]

_BETTER, _NOT_COMPARED, _NO_BETTER = range(3)
_TITLES: Final = {
    _BETTER: "Better than the nearest word of any class too",
    _NOT_COMPARED: "Along dependencies beyond what distances give, a score not compared with nearest words",
    _NO_BETTER: "By relations alone, which the nearest word of a class finds at least as often",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Heads of an answer, (layer, head) each, and what they have in common."""

    title: str
    heads: Heads


@dataclass(frozen=True, slots=True)
class Grouped:
    """An answer whose heads stand group by group, and of each head first what no simpler rule finds as well."""

    answer: Answer
    groups: Sequence[Group]
    """each head once; none where no relation is compared with the nearest word of a class"""
    compared: int
    """heads that have a relation that is"""
    better: int
    """those that find one better"""
    near: Heads
    """(layer, head) of those that do not answer, but nearly, and find one better (see `views.misses.near_answers`)"""

    @property
    def told(self) -> str:
        """Of how many heads a simpler rule is told, and how many find more; "" without groups.

        Example: "29 heads; 0 of 20 with a relation find it better than the nearest word of any class; 3 that only just
        miss the rule do".
        """
        if not self.groups:
            return ""
        number, near = len(self.answer.heads), len(self.near)
        some = f"{self.better} of {self.compared} with a relation find it better than the nearest word of any class"
        others = f"; {near} that only just miss{'es' * (near == 1)} the rule do{'es' * (near == 1)}" if near else ""
        return f"{number} head{'s' * (number != 1)}; {some}{others}"


def in_groups(found: Answer, near: Heads = ()) -> Grouped:
    """An answer, whose rows have the columns `nearest` and `remark` (`views.roles.with_rules`), in groups.

    A head is in the first group where it finds a relation better than the nearest word does, else in the second where
    it answers by what is not compared with that, else in the last. Within a group that head comes first whose scores
    that put it there are farthest above chance; equals stand as before. `near`: of those that nearly answer.
    """
    rows = found.rows
    compared, no_better = (rows["nearest"] != "").to_numpy(), (rows["remark"] != "").to_numpy()
    if not compared.any():
        return Grouped(found, (), 0, 0, near)
    of_row = np.where(~compared, _NOT_COMPARED, np.where(no_better, _NO_BETTER, _BETTER))
    by_head = [rows["layer"], rows["head"]]
    of_head = pd.Series(of_row, rows.index).groupby(by_head).transform("min").to_numpy()
    head = rows.groupby(HEAD, sort=False).ngroup().to_numpy()
    beyond = (rows["score"] - rows["chance"].fillna(0)).where(of_row == of_head)
    above = beyond.groupby(by_head).transform("max").to_numpy()
    order = np.lexsort((of_row, head, -above, of_head))
    in_order = rows.iloc[order]
    members = {key: in_order[of_head[order] == key][HEAD].drop_duplicates() for key in sorted(_TITLES)}
    groups = [Group(_TITLES[key], list(map(tuple, own.values.tolist()))) for key, own in members.items() if len(own)]
    answer = replace(found, rows=in_order)
    return Grouped(answer, groups, len(np.unique(head[compared])), len(members[_BETTER]), near)
