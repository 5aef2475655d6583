"""What a head does in one plain sentence, from what the rules say of it.

A sentence is "Rests {rests}; the rest goes {goes}, leaning {leans}. {also}. {no better}.": where attention rests, where
the rest goes, what it prefers a little, what else the head does, and what of this a simpler rule finds as well. What
speaks alone replaces the first part.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby

import numpy as np

from attnmetrics.describing.finding import Finding
from attnmetrics.describing.rules import Place, Words

MOST = 3
"""Details of a role, or preferences, in a sentence."""
MOST_NUMBERS = 3
"""In a part of a sentence that ends with a full stop; a table of scores has the others."""
MOST_STRUCK = 2
"""Roles that are told to be contradicted."""
MOSTLY = 0.5
"""Attention that is told to go somewhere is most of it from here on."""
HARDLY = 1.1
"""Times chance up to which a score is hardly above it."""
WHOLE = 0.03
"""Attention that may be off what is told, where the other is all the rest."""

Names = Mapping[str, Mapping[str, str]]


def sentence(findings: Sequence[Finding], evidence: float, unit: str, names: Names) -> str:
    """The sentence of a head.

    Args:
        findings: what is said of it, in order.
        evidence: share of its attention that is off null.
        unit: what attention was measured in.
        names: what labels are called, by dimension.
    """
    if np.isnan(evidence) or not findings:
        return "Nothing of this head was measured."
    said = _Said(findings, {"evidence": share(evidence), "unit": unit}, names)
    rests = _and(said.at("rests")) or (f"{share(1 - evidence)} on null pieces" if 1 - evidence >= WHOLE else "")
    resting = f"rests {rests}" if rests else ""
    alone = [text.replace("{rests}", resting) for text in said.at("alone")]
    first = alone or [_main(said, resting, _rest_is_all(findings, evidence))]
    parts = [*first, *said.at("also"), *said.no_better(("also",) if alone else ("goes", "leans", "also"))]
    return " ".join(f"{_capital(brief(part))}." for part in parts)


def _main(said: "_Said", resting: str, rest_is_all: bool) -> str:
    where = _where(said)
    if not resting:
        return f"its attention {where}"
    return f"{resting}; {'the rest' if rest_is_all else 'its attention off null pieces'} {where}"


def _where(said: "_Said") -> str:
    """Where attention goes that does not rest: most of it at known places, or it is spread and prefers some."""
    leans = said.at("leans")
    if _most(said.findings):
        return f"goes {_and(said.at('goes'))}" + _after("leaning", leans)
    spread = next(iter(said.at("spread")), "goes nowhere that is measured")
    chosen, rather = said.at("goes", held=True), [*said.at("goes", held=False), *leans]
    return spread + _after("above all", chosen) + _after("leaning", rather)


def _after(word: str, parts: Sequence[str]) -> str:
    return f", {word} {_and(parts[:MOST])}" if parts else ""


def _most(findings: Sequence[Finding]) -> bool:
    """Whether most attention goes where it is told to: to places that exclude one another, or to one of any kind."""
    goes = [one for one in findings if _words(one).place == "goes"]
    apart = sum(one.score for one in goes if one.rule.each is None)
    return max([apart, *(one.score for one in goes)]) >= MOSTLY


def _rest_is_all(findings: Sequence[Finding], evidence: float) -> bool:
    """Whether what is told to rest somewhere is all that is not off null."""
    resting = [one.score for one in findings if _words(one).place == "rests"]
    return not resting or abs(1 - evidence - sum(resting)) < WHOLE


class _Said:
    """The words of all findings, by their place."""

    def __init__(self, findings: Sequence[Finding], common: Mapping[str, str], names: Names) -> None:
        self.findings, self._common, self._names = findings, common, names

    def at(self, place: Place, held: bool | None = None) -> list[str]:
        """Filled templates in order: of all findings, or of those that are held or not."""
        return [text for words, found in self._chosen(place, held) for text in self._filled(words, found)]

    def no_better(self, places: Sequence[Place]) -> list[str]:
        """Of those at some places, which a simpler rule finds as well."""
        names: dict[str, list[str]] = {}
        for words, found in chain.from_iterable(map(self._chosen, places)):
            names.setdefault(words.no_better, []).extend(self._name(one) for one in found if one.no_better)
        told = ((text, list(dict.fromkeys(own))) for text, own in names.items() if text and own)
        return [text.replace("{list}", _and(own)) for text, own in told]

    def _chosen(self, place: Place, held: bool | None = None) -> Iterator[tuple[Words, list[Finding]]]:
        """The first findings with the same words: of a list those that are held, where some are."""
        here = [one for one in self.findings if _words(one).place == place and held in (None, one.held)]
        for words, group in groupby(sorted(here, key=self._order), key=_words):
            found = list(group)
            is_held = [one for one in found if one.held] if words.each is not None else []
            yield words, (is_held or found)[:MOST]

    def _filled(self, words: Words, found: Sequence[Finding]) -> list[str]:
        """A text for each finding, or one with a list of them; not of what a simpler rule is told to find as well."""
        told = [one for one in found if not (one.no_better and words.no_better)]
        if words.each is None:
            return [self._fill(_template(one), one) for one in told]
        return [words.text.replace("{list}", _and([self._fill(words.each, one) for one in told]))] if told else []

    def _order(self, one: Finding) -> int:
        """Of the first with the same words."""
        return next(n for n, other in enumerate(self.findings) if _words(other) == _words(one))

    def _fill(self, template: str, one: Finding) -> str:
        write = share if one.is_share else number
        numbers = {name: write(getattr(one, name)) for name in ("score", "chance", "median")}
        times = one.score / one.chance if one.chance else np.nan
        named = " or ".join(f"“{piece}”" for piece in one.pieces)
        piece = f" (most often {named})" if named else ""
        struck = _and([self._plain(role) for role in one.contradicts[:MOST_STRUCK]])
        barred = f" (that by itself looks like {struck})" if struck else ""
        filled = {**numbers, "times": f"{times:.2g}", "name": self._name(one), "piece": piece, "contradicted": barred}
        for name, text in {**self._common, **filled}.items():
            template = template.replace(f"{{{name}}}", text)
        return template

    def _plain(self, role: str) -> str:
        """A role that is contradicted: "part of speech: ADP" is "part of speech: prepositions"."""
        name, _, detail = role.partition(": ")
        label = detail.partition(", ")[0]
        called = next((names[label] for names in self._names.values() if label in names), label)
        return f"{name}: {called}" if called else name

    def _name(self, one: Finding) -> str:
        return self._names.get(one.rule.each or "", {}).get(one.label, one.label)


def _words(one: Finding) -> Words:
    """What is said where the head has the role, and where it has not."""
    found = one.rule.words if one.held or one.rule.told is None else one.rule.told.words or one.rule.words
    return found or Words(place="also", text="")


def _template(one: Finding) -> str:
    words = _words(one)
    return words.below if words.below is not None and one.score < HARDLY * one.chance else words.text


def _and(parts: Sequence[str]) -> str:
    """`_and(["a", "b", "c"])` is "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---- numbers

_ASIDE = re.compile(r" \((?:under |over )?\d[^)]*\)")
"""Numbers in brackets."""
_PIECE = re.compile("“[^”]*”")


def brief(text: str) -> str:
    """The text with few numbers: of what stands in brackets what comes first is kept, then less and less, from the end.

    Example: "From det (90%; chance 40%) and obj (80%; chance 30%)" becomes "From det (90%) and obj (80%)".
    """
    return next((one for one in _briefer(text) if _count_numbers(one) <= MOST_NUMBERS), _ASIDE.sub("", text))


def _briefer(text: str) -> Iterator[str]:
    """As it is; each bracket with its first number alone; without the last of these, the last two, and so on."""
    yield text
    parts, asides = _ASIDE.split(text), _ASIDE.findall(text)
    short = [re.split("[;,] ", aside)[0].removesuffix(")") + ")" for aside in asides]
    for kept in range(len(asides), 0, -1):
        told = [*short[:kept], *[""] * (len(parts) - kept)]
        yield "".join(part + aside for part, aside in zip(parts, told, strict=True))


def _count_numbers(text: str) -> int:
    return len(re.findall(r"\d+(?:\.\d+)?", _PIECE.sub("", text)))


def share(value: float) -> str:
    """A share in percent: whole ones, but where the next whole one would be none or all."""
    if np.isnan(value):
        return "no evidence"
    scaled = 100 * value
    if 0 < scaled < 0.05:
        return "under 0.1%"
    if 99.95 <= scaled < 100:
        return "over 99.9%"
    return f"{scaled:.1f}%" if 0 < abs(scaled) < 0.95 or 99.05 <= scaled < 100 else f"{scaled:.0f}%"


def number(value: float) -> str:
    """A number with two digits, two decimals at most."""
    if np.isnan(value):
        return "no evidence"
    return f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"
