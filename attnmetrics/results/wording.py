"""How a text about sentences reads in a run of another unit."""


def in_unit(text: str, unit: str) -> str:
    """A text about sentences, for a run of another unit: `window:64` makes "Sentences measured" "Windows measured"."""
    kind = unit.partition(":")[0]
    return text.replace("sentence", kind).replace("Sentence", kind.capitalize())
