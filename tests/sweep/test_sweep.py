"""Architectures of transformers, as small models: a few of each kind, and, on demand, all of them."""

import pytest

from sweep.__main__ import look, rows
from sweep.small import architectures

KINDS = {
    "llama": "fast", "gemma2": "fast", "gpt_oss": "fast", "modernbert": "fast", "bart": "equal lengths", "mpt": "own",
    "longformer": "own",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_architecture_has_its_own_attention(kind: str) -> None:
    found = look(kind)
    assert (found.how, found.difference < 1e-5) == (KINDS[kind], True), found


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_architecture_is_measured_or_refused_for_a_reason() -> None:
    found = list(rows(architectures()))
    print("\n".join(map(str, found)))
    assert not [one for one in found if one.how == "traceback"]
    assert not [one for one in found if one.difference > 1e-4]
    assert len([one for one in found if one.how == "refused"]) < 30
