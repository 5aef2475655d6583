"""Boxes in a real browser: what of a page runs out of the window, is cut, or lies over something else."""

from playwright.sync_api import Page

WIDTHS = (1440, 1024, 720, 390)
THEMES = ("light", "dark")
HEIGHT = 900
FEW = 5
"""Faults of a page that are told."""

_MEASURE = """() => {
    const LEEWAY = {across: 2.5, down: 4.5};
    const clips = new Map();
    const hides = (style) => style.overflowX !== 'visible' || style.overflowY !== 'visible';

    // What of an element's contents can be seen: within all that hide what runs over.
    const clipOf = (node) => {
        if (!node || node === document.documentElement) return [-Infinity, -Infinity, Infinity, Infinity];
        if (!clips.has(node)) {
            const [left, top, right, bottom] = clipOf(node.parentElement);
            const box = node.getBoundingClientRect();
            const isHiding = !(node instanceof SVGElement) && hides(getComputedStyle(node));
            clips.set(node, isHiding ? [Math.max(left, box.left), Math.max(top, box.top),
                Math.min(right, box.right), Math.min(bottom, box.bottom)] : [left, top, right, bottom]);
        }
        return clips.get(node);
    };
    // What stays in the window lies over what is scrolled beneath it.
    const layers = new Map();
    const layerOf = (node) => {
        if (!node) return null;
        if (!layers.has(node)) {
            const stays = ['sticky', 'fixed'].includes(getComputedStyle(node).position);
            layers.set(node, stays ? node : layerOf(node.parentElement));
        }
        return layers.get(node);
    };
    const seen = (owner, box, words) => {
        const [left, top, right, bottom] = clipOf(owner);
        const found = {left: Math.max(left, box.left), top: Math.max(top, box.top),
            right: Math.min(right, box.right), bottom: Math.min(bottom, box.bottom)};
        return {...found, owner, words, over: box.right - found.right, under: found.left - box.left};
    };
    const isShown = (node) => node.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});

    // Lines of words; a text of a picture is one.
    const lines = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode, owner = node.parentElement;
        if (!node.textContent.trim() || owner.closest('title, script, style, option, [hidden], .unseen')) continue;
        if (!isShown(owner)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) {
            if (box.width > 1 && box.height > 1) lines.push(seen(owner, box, node.textContent.trim().slice(0, 40)));
        }
    }
    const controls = [...document.querySelectorAll('button, select, input, a.tool, [role=tab]')].filter(isShown)
        .map((node) => seen(node, node.getBoundingClientRect(), node.textContent.slice(0, 40) || node.tagName));
    const whole = (box) => box.right > box.left + 1 && box.bottom > box.top + 1;

    const faults = [];
    const wide = document.scrollingElement.scrollWidth;
    if (wide > innerWidth) faults.push(`the page is ${wide} pixels wide`);
    if (innerWidth >= 1024) for (const host of document.querySelectorAll('.map-host')) {
        const over = host.scrollWidth - host.clientWidth;
        if (over > 1) faults.push(`a map is ${over} pixels wider than its place`);
    }
    const outside = ({left, right}) => left < -1 || right > innerWidth + 1;
    for (const one of [...lines, ...controls].filter(whole).filter(outside)) faults.push(`outside: ${one.words}`);
    for (const {owner, words} of lines) {
        const picture = owner.closest('svg');
        if (!picture) continue;
        const frame = picture.getBoundingClientRect(), box = owner.getBoundingClientRect();
        if (box.right > frame.right + 2 || box.left < frame.left - 2
            || box.bottom > frame.bottom + 3 || box.top < frame.top - 3) faults.push(`cut by its picture: ${words}`);
    }

    // Of those that begin further down than another ends, none can meet it.
    const isWithin = (one, other) => one.owner.contains(other.owner) || other.owner.contains(one.owner);
    const meet = (one, other) => !isWithin(one, other) && layerOf(one.owner) === layerOf(other.owner)
        && Math.min(one.right, other.right) - Math.max(one.left, other.left) > LEEWAY.across
        && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > LEEWAY.down;
    for (const all of [lines, controls]) {
        const sorted = all.filter(whole).sort((a, b) => a.top - b.top);
        let open = [];
        for (const one of sorted) {
            open = open.filter((other) => other.bottom > one.top);
            for (const other of open) if (meet(one, other)) faults.push(`overlap: ${other.words} | ${one.words}`);
            open.push(one);
        }
    }
    return faults;
}"""


def faults(page: Page) -> list[str]:
    """What is wrong with the boxes of the page that is shown, in words; the first few."""
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[str] = page.evaluate(_MEASURE)
    return found[:FEW]


def set_theme(page: Page, theme: str) -> None:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)


TARGET = 24
"""Pixels that what is touched is at least high and wide (WCAG 2.2, success criterion 2.5.8)."""

_TARGETS = """(size) => {
    const all = [...document.querySelectorAll('a[href], button, select, input, textarea, summary, [role=button]')]
        .filter((node) => node.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}))
        .map((node) => ({node, box: node.getBoundingClientRect()})).filter(({box}) => box.width && box.height);
    // What stands amid the words of a sentence is as high as its line.
    const isOfText = (node) => getComputedStyle(node).display === 'inline'
        && [...node.parentElement.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && /\\w/.test(one.data));
    const isSmall = ({box}) => Math.min(box.width, box.height) < size - 0.5;
    const middle = ({box}) => [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    const gap = ([x, y], {box}) =>
        Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
    const small = all.filter((one) => isSmall(one) && !isOfText(one.node));
    // A circle around its middle meets no other target, nor the circle of one that is small too.
    const isAlone = (one) => all.every((other) => one.node.contains(other.node) || other.node.contains(one.node)
        || (gap(middle(one), other) >= size / 2 - 0.5 && (!small.includes(other)
            || Math.hypot(...middle(one).map((at, n) => at - middle(other)[n])) >= size - 0.5)));
    return small.filter((one) => !isAlone(one)).map(({node, box}) =>
        `${node.localName} ${node.textContent.slice(0, 30)}: ${Math.round(box.width)} by ${Math.round(box.height)}`);
}"""


def small_targets(page: Page) -> list[str]:
    """What a finger may miss: smaller than `TARGET` both ways and too near to another; the first few."""
    found: list[str] = page.evaluate(_TARGETS, TARGET)
    return found[:FEW]
