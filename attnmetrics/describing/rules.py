"""The rules by which heads have roles, as data: those of the package, and those of a user's file."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from attnmetrics.errors import ConfigError
from attnmetrics.results.evidence import checked_evidence
from attnmetrics.yaml_files import read_own_yaml, read_yaml

FILE: Final = Path(__file__).parent / "rules.yaml"
"""The rules of the package."""
ALL: Final = "all"
"""What contradicts every other role says so."""

Place = Literal["rests", "goes", "spread", "leans", "also", "alone"]
"""Where words stand in a sentence (see `sentences.py`)."""


INACTIVE: Final = "nearly switched off"
"""The role of heads that rest on null pieces with nearly all of their attention."""
SECOND_SINK: Final = "second sink"
"""The role of heads that rest on one piece of each sentence that is not null."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Term(_Strict):
    """A result at labels, by its name."""

    result: str
    at: dict[str, str | int] = {}
    largest: str | None = None
    """the largest along this dimension is taken"""
    times_evidence: bool = False
    """what even attention would give is scaled to the share of a head's attention that is off null"""


class Limits(_Strict):
    """What a score has to be; all of them have to hold."""

    at_least: float | None = None
    at_most: float | None = None
    above_chance: float | None = None
    """score − chance"""
    times_chance: float | None = None
    """score ÷ chance"""
    errors: float | None = None
    """score − chance in standard errors of a share of the rule's `count`"""
    low_at_least: float | None = None
    """of the lower bound of the score's interval; it holds where a run has none"""
    low_above_chance: float | None = None
    """that bound − chance, likewise"""


class Condition(Limits):
    """One more score that has to be within limits."""

    score: Term
    chance: Term | None = None


class Words(_Strict):
    """What a sentence says: a template with `{score}`, `{chance}`, `{median}`, `{times}`, `{name}`, `{unit}` …"""

    place: Place
    text: str
    each: str | None = None
    """Of each detail; `text` has them all as `{list}`."""
    no_better: str = ""
    """What is said instead, and last, of details, `{list}`, whose score is not above what a simpler rule reaches."""
    below: str | None = None
    """Where the score is under its chance level, or hardly above."""


class Telling(Limits):
    """When a sentence says something of a head that has not the role."""

    words: Words | None = None


class Over(_Strict):
    """What a score is taken over: a number of the corpus, and of what: "1,568 pieces that came before"."""

    result: str
    words: str


class Rule(_Strict):
    """When a head has a role, and how a sentence says so."""

    role: str = Field(min_length=1)
    """its name, wherever it is told of"""
    colour: str = Field("#7d8894", pattern="^#[0-9a-f]{6}$")
    """of its heads on maps"""
    meaning: str = ""
    """what such a head does, for readers who meet the name first"""
    score: Term
    chance: Term | None = None
    count: Term | None = None
    """of what the score is a share"""
    simpler: Term | None = None
    """what a rule reaches that needs no head; a run may lack it"""
    over: Over | None = None
    """of a score that is no share of counted cases: what it is taken over"""
    each: str | None = None
    """dimension of the score; the role has a detail for each of its labels"""
    skip: tuple[str, ...] = ()
    """labels that are no details"""
    detail: str = "{label}"
    of_pieces: bool = False
    """the detail is a piece type that the head attends to most; heads that have none have not the role"""
    when: Limits | None = None
    """None: no head has the role, and sentences tell of it alone."""
    where: tuple[Condition, ...] = ()
    contradicts: Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if value == ALL else value)] = ()
    words: Words | None = None
    headline: str = ""
    """the same in a few words: a template with `{name}`, `{its}`, `{piece}`, `{unit}` (see `views.headlines`)"""
    told: Telling | None = None

    def detail_of(self, label: str) -> str:
        """The role's detail at a label: "nsubj, attended_is_parent"; "" without one."""
        return self.detail.replace("{label}", label) if label else ""

    @property
    def contradicts_all(self) -> bool:
        """Whether a head of this role has no other."""
        return self.contradicts == (ALL,)


class Axes(_Strict):
    """What the finder shows of the heads that answer a question: the results that order them, and spread them out."""

    y: Term
    x: Term


class Question(_Strict):
    """A question with heads for an answer: those that have one of its roles, some by so much, and none of others."""

    title: str
    roles: tuple[str, ...]
    least: dict[str, float] = {}
    """role → the score from which on it answers"""
    without: tuple[str, ...] = ()
    axes: Axes | None = None


class Rules(_Strict):
    """The rules, in the order in which a head's roles are listed."""

    roles: tuple[Rule, ...] = ()
    questions: dict[str, Question] = {}
    names: dict[str, dict[str, str]] = {}
    """dimension → label → what sentences call it"""

    @property
    def names_of_roles(self) -> tuple[str, ...]:
        """Of those that heads may have, each once, in order."""
        return tuple(dict.fromkeys(rule.role for rule in self.roles if rule.when is not None))


@cache
def package_rules() -> Rules:
    """Those of the package."""
    return Rules.model_validate(read_own_yaml(FILE))


def read_rules(file: Path | None) -> Rules:
    """The rules of the package with those of a user's file: its roles come first, and stand for those of their name.

    Raises:
        ConfigError: the file cannot be read, or holds no rules.
    """
    return package_rules() if file is None else _joined(_read(file), package_rules())


def with_evidence(rules: Rules, share: float) -> Rules:
    """The same, but that heads with less than this share of their attention off null are nearly switched off.

    Raises:
        ConfigError: no share.
    """
    limits = Limits(at_least=1 - checked_evidence(share))
    changed = [rule.model_copy(update={"when": limits}) if rule.role == INACTIVE else rule for rule in rules.roles]
    return rules.model_copy(update={"roles": tuple(changed)})


def _read(file: Path) -> Rules:
    try:
        return Rules.model_validate(read_yaml(file))
    except ValidationError as error:
        faults = [f"  {_place(item['loc'])}: {item['msg']}" for item in error.errors()[:10]]
        raise ConfigError(
            f"expected rules in {file}, found:\n" + "\n".join(faults) + f"\nthe package's own, {FILE}, show how"
        ) from None


def _place(location: Iterable[Any]) -> str:
    """Where in the file: `roles[2].score.result`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".") or "file"


def _joined(own: Rules, others: Rules) -> Rules:
    taken = {rule.role for rule in own.roles}
    kept: Sequence[Rule] = [rule for rule in others.roles if rule.role not in taken]
    names = {dim: {**others.names.get(dim, {}), **own.names.get(dim, {})} for dim in {**others.names, **own.names}}
    return Rules(roles=(*own.roles, *kept), questions={**others.questions, **own.questions}, names=names)
