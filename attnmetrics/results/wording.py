"""How a text about sentences reads in a run of another unit."""


def unit_name(unit: str) -> str:
    """What a unit is called: `window:64` is a window, and `pair:128` a segment pair, for there are other pairs, too."""
    kind = unit.partition(":")[0]
    return "segment pair" if kind == "pair" else kind


def in_unit(text: str, unit: str) -> str:
    """A text about sentences, for a run of another unit: `window:64` makes "Sentences measured" "Windows measured"."""
    kind = unit_name(unit)
    return text.replace("sentence", kind).replace("Sentence", kind.capitalize())
