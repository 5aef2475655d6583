"""What a page of prose, in Markdown, shows and names."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:/|\.(?:csv|html|ipynb|js|json|md|parquet|png|py|sh|toml|yaml|zarr))")
"""A folder's name ends with a slash."""
OF_USERS = re.compile(
    r"runs/.*|my_words\.py|importance\.zarr|probe\.zarr|comparison\.zarr|(?:tables/)?by_.*|values/|figures/"
)
"""Files of theirs, and of stages that not every run has."""
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)]+)\)")


def read(page: Path) -> str:
    """Its text."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    """Its blocks of these languages."""
    return [text for name, text in BLOCK.findall(read(page)) if name in languages]


def inline(page: Path) -> list[str]:
    """What stands between backticks in its lines."""
    return re.findall(r"`([^`\n]+)`", BLOCK.sub("", read(page)))


@cache
def anchors(page: Path) -> set[str]:
    """What links to a part of it may name.

    Example: "## How exact, how `fast`" has how-exact-how-fast.
    """
    headings = HEADING.findall(BLOCK.sub("", read(page)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    """Links of it that lead nowhere."""
    for target in LINK.findall(BLOCK.sub("", read(page))):
        path, _, anchor = target.partition("#")
        leads_to = page.parent / path if path else page
        if not leads_to.exists() or (anchor and anchor not in anchors(leads_to)):
            yield target


def paths_nowhere(page: Path, *folders: Path) -> Iterator[str]:
    """Paths between backticks that are in none of these folders, nor in one that is named before on the same line."""
    for line in BLOCK.sub("", read(page)).splitlines():
        places = [*folders]
        for path in filter(PATH.fullmatch, re.findall(r"`([^`]+)`", line)):
            found = next((place / path for place in places if (place / path).exists()), None)
            if found is not None:
                places.append(found if found.is_dir() else found.parent)
            elif not OF_USERS.fullmatch(path):
                yield path


def targets_of_make(page: Path) -> set[str]:
    """That it names."""
    return set(re.findall(r"(?:`|^)make (\w+)", read(page), re.MULTILINE))


def known_to_make() -> set[str]:
    """Targets of the Makefile."""
    return set(re.findall(r"^(\w+):", read(ROOT / "Makefile"), re.MULTILINE))
