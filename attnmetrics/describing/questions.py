"""Which heads answer a question, and which have a role: from the table of all roles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attnmetrics.describing.frame import sentences, with_role
from attnmetrics.describing.rules import Rules
from attnmetrics.errors import ConfigError

HEAD = ["layer", "head"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The heads that answer a question: rows of the table of roles, the clearest head first, and its clearest role."""

    key: str
    title: str
    rows: pd.DataFrame
    barred: tuple[tuple[int, int], ...] = ()
    """(layer, head) of those that would answer it but for a role that stands alone: they are nearly switched off."""

    @property
    def heads(self) -> list[tuple[int, int]]:
        """(layer, head), the clearest first."""
        return list(map(tuple, self.rows[HEAD].drop_duplicates().values.tolist()))


def answers(rules: Rules, frame: pd.DataFrame) -> list[Answer]:
    """The answers to all questions."""
    return [answer(rules, frame, key) for key in rules.questions]


def answer(rules: Rules, frame: pd.DataFrame, key: str) -> Answer:
    """The answer to one question.

    Raises:
        ConfigError: there is no such question.
    """
    question = rules.questions[_known(key, list(rules.questions), "question")]
    rows = with_role(frame, question.roles, question.without)
    least = np.array([question.least.get(role, -np.inf) for role in rows["role"]], float)
    told = _told(_clearest_first(rules, rows[rows["score"].to_numpy() >= least]), frame)
    return Answer(key, question.title, told, _barred(rules, frame, question.roles))


def of_role(rules: Rules, frame: pd.DataFrame, role: str) -> Answer:
    """The heads of a role, or of a role and detail such as `part of speech: DET`.

    Raises:
        ConfigError: there is no such role.
    """
    name, _, detail = role.partition(": ")
    rows = frame[frame["role"] == _known(name, rules.names_of_roles, "role")]
    chosen = rows[rows["detail"] == detail] if detail else rows
    title = name.capitalize() + (f": {detail}" if detail else "")
    return Answer(role, title, _told(_clearest_first(rules, chosen), frame))


def _barred(rules: Rules, frame: pd.DataFrame, roles: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Heads with a role that stands alone, which would have one of these but for it."""
    alone = frame[frame["role"].isin([rule.role for rule in rules.roles if rule.contradicts_all])]
    struck = [{role.partition(": ")[0] for role in names.split("; ")} for names in alone["contradicts"]]
    heads = zip(alone["layer"].tolist(), alone["head"].tolist(), struck, strict=True)
    return tuple((layer, head) for layer, head, names in heads if names & set(roles))


def _known(name: str, known: Sequence[str], what: str) -> str:
    if name not in known:
        raise ConfigError(f"expected a {what} of the rules, found {name!r}; they have {', '.join(known)}")
    return name


def _clearest_first(rules: Rules, rows: pd.DataFrame) -> pd.DataFrame:
    """By how far each head's clearest score is above chance, or below what a rule allows at most."""
    most = {rule.role: rule.when.at_most for rule in rules.roles if rule.when and rule.when.at_most is not None}
    allowed = rows["role"].map(most).astype(float)
    beyond = (allowed - rows["score"]).fillna(rows["score"] - rows["chance"].fillna(0))
    of_head = [rows["layer"], rows["head"]]
    order = rows.assign(beyond=beyond, above=beyond.groupby(of_head).transform("max"), place=range(len(rows)))
    order["place"] = order["place"].groupby(of_head).transform("min")
    by = order.sort_values(["above", "place", "beyond"], ascending=[False, True, False], kind="stable")
    return by[list(rows.columns)]


def _told(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """With the sentence of each head in the first of its rows that are left."""
    said, again = sentences(frame), rows.duplicated(HEAD).tolist()
    heads = zip(rows["layer"].tolist(), rows["head"].tolist(), strict=True)
    return rows.assign(sentence=["" if seen else said[head] for head, seen in zip(heads, again, strict=True)])
