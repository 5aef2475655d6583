"""Writes the tables of docs/architectures.md anew, from what the sweep prints: `python docs/architectures.py FILE…`.

Where several files have an architecture, the last one counts; the page itself may be among them.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).with_suffix(".md")

WAYS = {
    "fast": "by our kernels, sentences of any lengths in a batch",
    "equal lengths": "by our kernels, sentences of one length in a batch",
    "own": "as the model itself gives it, sentences of one length in a batch",
    "refused": "not, and the program says why",
    "traceback": "not, and the program does not say why in words of its own",
    "not built": "not known: no small model of it was built",
}
"""How the sweep says that an architecture is measured → what this means."""
ROW = re.compile(rf"^\| (\S+) \| ({'|'.join(WAYS)}) \| (\S+) \| (.*?) ?\|$", re.MULTILINE)
TABLES = re.compile(r"(?<=<!-- tables -->\n).*(?=<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """An architecture."""

    name: str
    way: str
    difference: str
    """largest, to eager attention; `nan` and `–` where there is none"""
    reason: str


def read(texts: Sequence[str]) -> list[Row]:
    """The rows of several texts by name; of each architecture that of the last text."""
    rows = {found[0]: Row(*found) for text in texts for found in ROW.findall(text)}
    return [rows[name] for name in sorted(rows)]


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of both: how many architectures are measured in each way, and every one of them."""
    counts = Counter(row.way for row in rows)
    built = len(rows) - counts["not built"]
    yield f"\n{len(rows)} architectures; of {built} a small model was built:\n"
    yield "| | architectures | attention is had |\n|---|---:|---|"
    yield from (f"| {way} | {counts[way]} | {meaning} |" for way, meaning in WAYS.items() if counts[way])
    yield "\n| architecture | how | largest difference | why |\n|---|---|---:|---|"
    for row in rows:
        yield f"| {row.name} | {row.way} | {row.difference.replace('nan', '–')} | {row.reason} |"
    yield ""


def write(page: str, texts: Sequence[str]) -> str:
    """The page with these rows."""
    made = "\n".join(tables(read(texts))) + "\n"
    return TABLES.sub(lambda _: made, page)


def main(files: Sequence[str]) -> None:
    """Write the page."""
    texts = [Path(file).read_text(encoding="utf-8") for file in files]
    PAGE.write_text(write(PAGE.read_text(encoding="utf-8"), texts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
