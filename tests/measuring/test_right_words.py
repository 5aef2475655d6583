"""Right words of questions that heads answer: by the annotation, where attention can find them."""

import numpy as np
import pytest
from gold import Annotated, corpus, read_units

from attnmetrics.assets import MODELS
from attnmetrics.measuring.maps.coreference import Coreference
from attnmetrics.measuring.maps.syntax import Syntax
from attnmetrics.measuring.right_words import RightWords
from attnmetrics.measuring.selection import MapSample
from attnmetrics.metrics.reference.sentence import Mention
from attnmetrics.model.load import load_model

OWL = "The 🦉 ate 🍰🍰 ."


def asked(sentences: list[Annotated], null: str = "first", window: int | None = None) -> list[tuple[str, str, str]]:
    """Of all units: the question, the word that is asked, the right word, by the text of their sentence."""
    model = load_model(str(MODELS["demo"]), null_tokens=null)
    units = read_units(sentences, model, window)
    sample = MapSample(0, np.arange(len(units)))
    right = RightWords.of(units, [Syntax(units, model, sample), Coreference(units, model, sample)])
    words = [(one.text, word) for one in sentences for word in one.words]
    spelled = [text[word.start : word.end] for text, word in words]
    found = []
    for unit in range(len(units)):
        begin, end = units.pieces.offsets[unit : unit + 2].tolist()
        own = right.of_sentence(unit, begin, slice(begin, end))
        at = [units.word[begin + piece] for piece in (*own["asked"], *own["right"])]
        assert [own["words"][piece] for piece in own["asked"]] == own["asked"]
        names = [spelled[word] for word in at]
        found += zip(own["questions"], names[: len(own["asked"])], names[len(own["asked"]) :], strict=True)
    return sorted(found)


def owl() -> Annotated:
    (one,) = [sentence for sentence in corpus(()) if sentence.text == OWL]
    return one


@pytest.mark.parametrize("null", ["first", "none"])
def test_of_relations_each_rule_asks_where_the_model_can_look(null: str) -> None:
    before = [("relation:nsubj:column", "🦉", "ate"), ("relation:nsubj:parent_row", "ate", "🦉")]
    first = [("relation:det:column", "The", "🦉"), ("relation:det:parent_row", "🦉", "The")]
    after = [("relation:obj:row", "🍰🍰", "ate"), ("relation:punct:row", ".", "ate")]
    found = [one for one in asked([owl()], null) if one[0] != "coreference"]
    assert found == sorted([*before, *after, *(first if null == "none" else [])])


def test_of_an_anaphor_every_antecedent_in_its_unit_is_right() -> None:
    def mention(word: int, anaphoric: bool) -> Mention:
        return Mention(word=word, entity=0, text="it", anaphoric=anaphoric, of_entity=3, earlier=word)

    one = Annotated(OWL, owl().words, 0, 0, (mention(1, True), mention(2, False), mention(3, True)))
    found = [row[1:] for row in asked([one]) if row[0] == "coreference"]
    assert found == [("🍰🍰", "ate"), ("🍰🍰", "🦉")]
