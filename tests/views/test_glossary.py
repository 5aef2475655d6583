"""Relations explained: each in words, by an example that holds both of its words."""

from attnmetrics.views.glossary import Entry, entries, explain, explained


def test_every_example_holds_its_dependent_and_its_head_word() -> None:
    for name, one in entries().items():
        assert one.words and not one.words.endswith("."), name
        assert not one.example or one.dependent in one.example, name
        assert not one.example or one.head in (*one.example.split(), "no word") or one.head in one.example, name


def test_a_relation_is_explained_by_itself_or_by_what_it_is_a_kind_of() -> None:
    assert str(explain("det")) == "a determiner: “the boats”, the → boats"
    assert explain("nmod:poss") == Entry("an owner", "her boat", "her", "boat")
    assert entries()["det"].named("det") == "a determiner (det: “the” in “the boats”)"
    assert explain("nmod:of") == explain("nmod")
    assert explain("colour") is None
    assert explained(["colour", "cc"]) == {"cc": ("a coordinating conjunction", "salt and pepper", "and", "pepper")}
