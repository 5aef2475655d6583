"""A page of its own for a view or the atlas: data, style and script in one file that asks nobody for anything."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any, Final, Literal
from zlib import compress

import numpy as np
from numpy.typing import NDArray

from attnmetrics.errors import StoreError
from attnmetrics.storage import Location
from attnmetrics.views.palette import (
    BAR,
    BASELINE,
    CHANGE,
    DIVERGING,
    HEADS_DARK,
    HEADS_LIGHT,
    SEQUENTIAL,
    SURFACE,
    WORDS_LIGHT,
)

FILE: Final = "index.html"
_STATIC: Final = Path(__file__).parent / "static"
LIGHT: Final = {
    "page": SURFACE, "ink": "#1c2733", "muted": "#5a6876", "line": "#dfe5eb", "card": "#f1f5f8", "chosen": "#dcebf5",
    "link": "#1f6f9c", "bar": BAR, "positive": "#1f6f9c", "negative": "#d1690a", "shade": "#1c273340",
    "baseline": BASELINE, "baseline-words": WORDS_LIGHT, "no-evidence": "#d5dce3", "to": "#8cc7ea",
} | {f"head-{n}": colour for n, colour in enumerate(HEADS_LIGHT)}  # fmt: skip
DARK: Final = {
    "page": "#141b23", "ink": "#e7edf3", "muted": "#9fb0bf", "line": "#2c3743", "card": "#1b242e", "chosen": "#23384a",
    "link": "#7cc1ea", "bar": "#58a6d0", "positive": "#6cb8e6", "negative": "#f0924a", "shade": "#00000090",
    "baseline": "#ffa24a", "baseline-words": "#ffa24a", "no-evidence": "#333d48", "to": "#1f6a9a",
} | {f"head-{n}": colour for n, colour in enumerate(HEADS_DARK)}  # fmt: skip
_STYLES: Final = {
    "atlas": ("view.css", "atlas.css", "try.css", "touch.css", "print.css"),
    "comparison": ("view.css", "atlas.css", "comparison.css", "touch.css", "print.css"),
}
"""Style sheets of a view; where nothing else is named, `view.css` and `print.css`."""
_SCALES: Final = {"atlas": (SEQUENTIAL, DIVERGING), "comparison": (SEQUENTIAL, DIVERGING, CHANGE)}
_UNPACK: Final = "shared/unpack"
"""The module that reads a page's data."""
_IMPORT: Final = re.compile(r'^import (\{[^}]*\}) from "(\.[\w./-]+)\.js";$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ((?:async )?(?:function|const|class) (\w+))", re.MULTILINE)


def render(data: Mapping[str, Any], title: str, theme: str) -> str:
    """The page of a view.

    What a page shows at first is in its JSON, which a browser has read when the script begins; its arrays come after.
    The page's Content-Security-Policy runs its one script and no other, and lets it ask nobody for anything; where
    `data["served"]` is true, it may ask the server that the page came from.

    Args:
        data: what the view's script reads; `data["view"]` names its module in `static/`.
        title: of the page.
        theme: `auto`, `light` or `dark`.
    """
    view = data["view"]
    heap = Heap()
    contents = _json(data, heap)
    chosen = "" if theme == "auto" else f' data-theme="{theme}"'
    script = f"\n{_script(view)}"
    style = _palette(view) + "".join(map(_read, _STYLES.get(view, ("view.css", "print.css"))))
    return (
        f'<!doctype html>\n<html lang="en"{chosen}>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script, bool(data.get("served")))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<main class="{view}"><noscript>This page needs JavaScript.</noscript></main>\n'
        f'<script type="text/plain" id="contents" data-heap="{len(heap)}">{_deflated(contents)}</script>\n'
        f'<script type="module" async>{script}</script>\n'
        f'<script type="text/plain" id="heap">{heap.text()}</script>\n</body>\n</html>\n'
    )


def write(page: str, folder: Location, command: str) -> None:
    """Write a page as `folder`/index.html, whole or not at all.

    Args:
        page: what `render` gives.
        folder: made where missing.
        command: which writes the page again.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        folder.write_folder(lambda path: (path / FILE).write_text(page, encoding="utf-8", newline="\n"))
    except OSError as error:
        raise StoreError(
            f"expected to write the page to {folder}, found: {error.strerror or error}; "
            f"free space or choose a folder that you may write to, then run `{command}` again"
        ) from error


def _policy(script: str, served: bool) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    asks = "; connect-src 'self'" if served else ""
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:{asks}; "
        "base-uri 'none'; form-action 'none'"
    )


def frame(page: str, title: str, height: int) -> str:
    """A page within another: a frame that nothing can leave, and that disturbs no other view beside it."""
    return (
        f'<iframe srcdoc="{escape(page)}" title="{escape(title)}" sandbox="allow-scripts allow-downloads" '
        f'style="width:100%;height:{height}px;border:0;border-radius:8px"></iframe>'
    )


@dataclass(frozen=True, slots=True)
class Packed:
    """An array in a page's data: its little-endian bytes."""

    content: bytes


def pack(values: NDArray[Any]) -> Packed:
    """An array for a page's data."""
    return Packed(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())


def pack_json(value: Any) -> Packed:
    """What a page reads only when it is asked for, beside its arrays."""
    return Packed(json.dumps(value, separators=(",", ":"), allow_nan=False).encode())


class Heap:
    """A page's arrays end to end: one stream is inflated far sooner than many, and deflated it is read sooner."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, packed: Packed) -> tuple[int, int]:
        """[first byte, number of bytes] of what is put to the others, at a multiple of eight."""
        start, length = self._length, len(packed.content)
        self._parts += [packed.content, bytes(-length % 8)]
        self._length += length + -length % 8
        return start, length

    def __len__(self) -> int:
        """Bytes of all of them."""
        return self._length

    def text(self) -> str:
        """All of them, deflated, in base 64."""
        return _deflated(b"".join(self._parts))


def _deflated(content: bytes) -> str:
    return b64encode(compress(content, 6)).decode()


def _json(data: Mapping[str, Any], heap: Heap) -> bytes:
    """JSON whose arrays go to the heap; NumPy's integers are numbers."""

    def plain(value: Any) -> Any:
        return heap.add(value) if isinstance(value, Packed) else int(value)

    return json.dumps(data, separators=(",", ":"), default=plain, allow_nan=False).encode()


def _script(view: str) -> str:
    """The view's modules as one script, since a page without requests has nowhere to import from."""
    modules = dict.fromkeys([*_modules(_UNPACK), *_modules(view)])
    start = f"draw{view.capitalize()}(document.querySelector('main'), await {_constant(_UNPACK)}.contents())"
    return "".join(map(_module, modules)) + f"await {_constant(view)}.{start};\n"


def _modules(name: str) -> Iterator[str]:
    """A module after all that it imports, each by its path in `static/` without its ending."""
    for imported in _IMPORT.finditer(_read(f"{name}.js")):
        yield from _modules(_resolve(name, imported[2]))
    yield name


def _module(name: str) -> str:
    """A module as a constant that holds its exports; what it imports are such constants."""
    source = _read(f"{name}.js")
    exports = ", ".join(found[2] for found in _EXPORT.finditer(source))
    inner = _IMPORT.sub(lambda found: f"const {found[1]} = {_constant(_resolve(name, found[2]))};", source)
    body = _EXPORT.sub(r"\1", inner)
    return f"const {_constant(name)} = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();\n"


def _resolve(name: str, path: str) -> str:
    """The module that another imports: `_resolve("atlas/finder", "../shared/dom") == "shared/dom"`."""
    return normpath(join(dirname(name), path))


def _constant(name: str) -> str:
    """The constant of a module: `_constant("atlas/head-map") == "atlas_head_mapModule"`."""
    return re.sub(r"\W", "_", name) + "Module"


def _palette(view: str) -> str:
    def declare(colours: Mapping[str, str], scheme: str) -> str:
        return f"color-scheme:{scheme};" + "".join(f"--{name}:{colour};" for name, colour in colours.items())

    light, dark = declare(LIGHT | _scales(view, "light"), "light"), declare(DARK | _scales(view, "dark"), "dark")
    return (
        f":root{{{light}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
        f":root[data-theme=light]{{{light}}}\n@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
    )


def _scales(view: str, theme: Literal["light", "dark"]) -> dict[str, str]:
    """The levels of the colour scales, for pages that have maps."""
    scales = _SCALES.get(view, ())
    return {f"{scale.name}{n}": colour for scale in scales for n, colour in enumerate(getattr(scale, theme))}


@cache
def _read(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
