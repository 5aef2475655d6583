"""Runs over models that give their own attention: the same bits whatever happens to them and wherever they lie."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
import torch
from checks import outputs, stored_outputs
from conftest import demo_config
from damage import failing_at
from faults import Fault, trial
from models import make_tokenizer, save_network
from transformers import (
    DebertaV2Config,
    DebertaV2Model,
    OpenAIGPTConfig,
    OpenAIGPTModel,
    PreTrainedModel,
    T5Config,
    T5Model,
    XLNetConfig,
    XLNetModel,
)

from attnmetrics.engine.worker import Worker
from attnmetrics.running.driver import run
from attnmetrics.running.progress import Reporter
from attnmetrics.storage import locate

QUIET = Reporter(quiet=True)
SIZES = {"vocab_size": 400, "hidden_size": 32}

pytestmark = [pytest.mark.usefixtures("loaded_once"), pytest.mark.timeout(900)]


def _gpt() -> PreTrainedModel:
    return OpenAIGPTModel(OpenAIGPTConfig(vocab_size=400, n_embd=32, n_layer=2, n_head=4))


def _deberta() -> PreTrainedModel:
    return DebertaV2Model(
        DebertaV2Config(**SIZES, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32, type_vocab_size=2,
                        relative_attention=True, pos_att_type=["p2c", "c2p"], max_position_embeddings=128)
    )  # fmt: skip


def _t5() -> PreTrainedModel:
    return T5Model(
        T5Config(vocab_size=400, d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=4, decoder_start_token_id=0)
    )


def _xlnet() -> PreTrainedModel:
    return XLNetModel(XLNetConfig(vocab_size=400, d_model=32, n_layer=2, n_head=4, d_inner=32))


NETWORKS: dict[str, Callable[[], PreTrainedModel]] = {
    "gpt": _gpt, "deberta": _deberta, "t5": _t5, "xlnet": _xlnet,
}  # fmt: skip
CASES: dict[str, dict[str, object]] = {
    "gpt": {},
    "gpt windows": {"unit": "window:48"},
    "gpt bfloat16": {"dtype": "bfloat16"},
    "deberta": {},
    "deberta pairs": {"unit": "pair:48"},
    "deberta bfloat16": {"dtype": "bfloat16"},
    "t5": {"stack": "decoder"},
    "t5 windows": {"unit": "window:48", "stack": "decoder"},
    "xlnet": {},
}
EACH = [*CASES]
QUICK = "gpt windows"


@pytest.fixture(autouse=True)
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attnmetrics.running.outputs.write_report", lambda *arguments: None)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, object]]:
    """Of a case: its model, and a few documents in several shards."""

    @cache
    def save(name: str) -> str:
        folder = tmp_path_factory.mktemp(name)
        torch.manual_seed(0)
        saved = save_network(folder, NETWORKS[name]())
        if name == "deberta":
            make_tokenizer("bert").save_pretrained(folder)
        return saved

    return lambda case: {
        "model": save(case.split()[0]), "max_documents": 4, "shard_characters": 1500, "exemplars": 3, **CASES[case],
    }  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(
    options: Callable[[str], dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, bytes]]:
    """What a run of a case leaves that nothing happened to."""

    @cache
    def of(case: str) -> dict[str, bytes]:
        folder = tmp_path_factory.mktemp("undisturbed") / "run"
        facts = run(demo_config(folder, **options(case)), QUIET)
        assert facts["corpus"]["shards"] > 2
        assert facts["model"]["kernel"] == "own"
        return outputs(folder)

    return of


Options = Callable[[str], dict[str, object]]
Left = Callable[[str], dict[str, bytes]]


def cases(*quick: str) -> list[object]:
    """All of them; those that take long with the long trials."""
    return [case if case in quick else pytest.param(case, marks=pytest.mark.cluster) for case in EACH]


@pytest.mark.parametrize("case", cases(QUICK))
def test_a_run_goes_on_where_it_was_interrupted(
    case: str, options: Options, undisturbed: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = demo_config(tmp_path / "run", **options(case))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Worker, "measure", failing_at(1, KeyboardInterrupt, 1))
        run(config, QUIET)
    run(config, QUIET)
    assert outputs(tmp_path / "run") == undisturbed(case)


@pytest.mark.cluster
@pytest.mark.parametrize("case", EACH)
def test_two_workers_give_the_bits_of_one(
    case: str, options: Options, undisturbed: Left, tmp_path: Path, ray_session: None
) -> None:
    run(demo_config(tmp_path / "run", **options(case), engine="ray", workers=2), QUIET)
    assert outputs(tmp_path / "run") == undisturbed(case)


@pytest.mark.cluster
@pytest.mark.parametrize("case", ["gpt", "deberta pairs", "t5"])
def test_an_object_store_has_what_a_folder_has(case: str, options: Options, undisturbed: Left, bucket: str) -> None:
    url = f"{bucket}/{uuid4().hex}/run"
    run(demo_config(url, **options(case)), QUIET)
    assert stored_outputs(locate(url)) == undisturbed(case)


@pytest.mark.cluster
@pytest.mark.parametrize("case", ["deberta", "t5"])
def test_a_killed_driver_leaves_what_the_next_goes_on_from(
    case: str, options: Options, undisturbed: Left, tmp_path: Path
) -> None:
    given = {"corpus": "demo", "engine": "inline", **options(case)}
    flags = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    strikes = trial(tmp_path / "run", flags, [Fault("driver", "measure")])
    assert strikes == {("kill driver", "measure"): 1}
    assert outputs(tmp_path / "run") == undisturbed(case)
