"""What a model adds to a text is its likeliest piece each time, whatever its checkpoint's settings ask for."""

import json
from collections.abc import Collection
from pathlib import Path

import pytest
import torch
from models import save_model
from transformers import AutoModelForCausalLM

from attnmetrics.model.load import load_model
from attnmetrics.model.reading import read

TEXT, PIECES = "Nobody knew the river", 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_model(tmp_path / "gpt2", "gpt2", sharp=True)


def likeliest(folder: Path, ids: list[int], ends: Collection[int] = ()) -> list[int]:
    """The largest logit, again and again."""
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    found: list[int] = []
    while len(found) < PIECES and not (found and found[-1] in ends):
        with torch.inference_mode():
            found.append(int(network(input_ids=torch.tensor([ids + found])).logits[0, -1].argmax()))
    return found


def added(folder: Path) -> tuple[list[int], list[int]]:
    """Pieces of the text, and those that are added."""
    reading = read(load_model(str(folder)), TEXT, PIECES)
    own = len(reading.ids) - reading.generated
    return reading.ids[:own].tolist(), reading.ids[own:].tolist()


def test_settings_of_the_checkpoint_change_nothing_but_its_ends(folder: Path) -> None:
    ids, plain = added(folder)
    assert plain == likeliest(folder, ids)
    end = plain[6]
    settings = {
        "do_sample": True, "temperature": 5.0, "top_k": 3, "num_beams": 3, "repetition_penalty": 5.0, "max_length": 3,
        "no_repeat_ngram_size": 1, "suppress_tokens": plain[:1], "begin_suppress_tokens": plain[:1],
        "bad_words_ids": [plain[1:2]], "min_length": 30, "min_new_tokens": 11, "forced_bos_token_id": 4,
        "forced_eos_token_id": 3, "exponential_decay_length_penalty": [2, 3.0], "guidance_scale": 2.0,
        "sequence_bias": [[plain[:1], -10.0]], "num_return_sequences": 2, "max_time": 1e-4,
        "encoder_repetition_penalty": 3.0, "prompt_lookup_num_tokens": 3, "eos_token_id": [end],
    }  # fmt: skip
    (folder / "generation_config.json").write_text(json.dumps(settings))
    expected = likeliest(folder, ids, {end})
    assert added(folder)[1] == expected
    assert expected[-1] == end
    assert len(expected) < PIECES


def test_settings_within_the_model_configuration_change_nothing_either(folder: Path) -> None:
    ids, plain = added(folder)
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    settings = {"repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "num_beams": 3, "min_length": 30}
    (folder / "config.json").write_text(json.dumps(config | settings | {"eos_token_id": plain[6]}))
    assert added(folder)[1] == likeliest(folder, ids, {plain[6]})
