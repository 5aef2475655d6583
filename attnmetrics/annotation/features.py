"""Keys and values of CoNLL-U's FEATS and MISC, in which spaCy writes its morphology too."""

from attnmetrics.metrics.family import NO_LABEL


def parse_features(text: str) -> dict[str, str]:
    """Values by key, the first of a repeated key: `{"Case": "Acc,Nom", "Foreign": ""}` of `Case=Acc,Nom|Foreign`."""
    features: dict[str, str] = {}
    for feature in () if text == NO_LABEL else text.split("|"):
        key, _, value = feature.partition("=")
        features.setdefault(key, value)
    return features
