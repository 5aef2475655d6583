"""The fused kernel against the plain one: odd shapes, whole shards, when it is chosen, and all of it on a GPU.

Its reductions are also tested with those of every kernel, in test_kernels.py.
"""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from checks import assert_same_bits
from kernel_cases import CARD, CPU, Case, everything_wanted, fused, make_fused, one_batch, with_triton
from models import Family, save_model
from shards import annotate, measure

from attnmetrics.model.kernels import choose
from attnmetrics.model.kernels.choose import choose_kernel, kernel_name
from attnmetrics.model.kernels.compiled import compiled
from attnmetrics.model.kernels.dense import dense
from attnmetrics.model.kernels.reductions import Kernel
from attnmetrics.model.kernels.scoring import Scoring
from attnmetrics.model.load import load_model
from attnmetrics.pieces.attends import Attends

TEXTS = ("Nobody knew.", '"We had nothing to lose," he said.', "It rains.")
ON_CARD = [
    pytest.mark.gpu,
    pytest.mark.skipif(CARD.type != "cuda", reason="needs a GPU"),
]


def agree(
    kernel: Kernel,
    lengths: list[int],
    tensors: list[torch.Tensor],
    attends: Attends,
    error: float = 1e-6,
    output_error: float = 1e-6,
) -> None:
    """A kernel gives what the plain one gives in float64 for the same numbers, every third sentence only its peak."""
    measured = [k % 3 != 2 for k in range(len(lengths))]
    batch = one_batch(lengths, measured, 1 << 16)
    wanted, exactly = (everything_wanted(batch, measured, attends, device) for device in (CARD, CPU))
    output, found = kernel(*(tensor.to(CARD) for tensor in tensors), Scoring(0.3), wanted, True)  # type: ignore[misc]
    exact_output, exact = dense(*(tensor.double() for tensor in tensors), Scoring(0.3), exactly, True)  # type: ignore[misc]
    torch.testing.assert_close(output.double().cpu(), exact_output, rtol=output_error, atol=output_error)
    for field in fields(exact):
        ours, theirs = getattr(found, field.name).cpu(), getattr(exact, field.name)
        torch.testing.assert_close(
            ours, theirs, rtol=error, atol=error, equal_nan=True, msg=lambda text, name=field.name: f"{name}: {text}"
        )


def draw(pieces: int, heads: int, width: int, value_width: int, dtype: torch.dtype) -> list[torch.Tensor]:
    """Queries, keys and values, none of which lies in memory as it is indexed."""
    generator = torch.Generator().manual_seed(pieces)
    sizes = [(heads, pieces, width), (pieces, width, heads), (pieces, heads * 2, value_width)]
    query, key, value = (torch.randn(size, generator=generator).to(dtype) for size in sizes)
    return [query.transpose(0, 1), key.transpose(1, 2), value[:, heads:]]


@fused
def test_any_width_and_any_strides(case: Case) -> None:
    agree(case.make(), [6, 18, 4], draw(28, 2, 20, 33, torch.float32), Attends(True, 1, 0))


@fused
def test_groups_of_many_pairs_are_cut(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from attnmetrics.model.kernels import fused as module

    monkeypatch.setattr(module, "LINKED", 70)
    assert [found.tolist() for found in module._cut(np.array([150, 0, 10]))] == [[0, 70, 140, 150, 160], [0, 0, 0, 2]]
    agree(case.make(), [6, 24], draw(30, 2, 20, 20, torch.float32), Attends(False, 1, 1))


@with_triton
@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_a_shard_is_the_same_with_either_kernel(tmp_path: Path, family: Family) -> None:
    model = load_model(str(save_model(tmp_path, family, layers=2)))
    sentences = annotate(TEXTS)
    counted = np.array([True, True, False])
    plain = measure(sentences, model, metric_rows=counted, kernel=dense)
    found = measure(sentences, model, metric_rows=counted, kernel=make_fused(longest=16, side=16))
    for name, value in plain.state.sums.items():
        np.testing.assert_allclose(found.state[name], value, rtol=1e-6, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(found.blocks, plain.blocks, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.exemplars.weight, plain.exemplars.weight, rtol=1e-6)
    np.testing.assert_array_equal(found.exemplars.i, plain.exemplars.i)
    np.testing.assert_array_equal(found.exemplars.j, plain.exemplars.j)


@with_triton
def test_it_is_chosen_where_the_gpu_and_the_precision_suit_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from attnmetrics.model.kernels.fused import Fused

    card, old = torch.device("cuda:0"), torch.device("cuda:1")
    capability = {card: (9, 0), old: (7, 5)}
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability[device])
    assert type(choose_kernel(card, torch.bfloat16)) is Fused
    assert [kernel_name(card, dtype) for dtype in (torch.float32, torch.float64)] == ["fused", "dense"]
    assert choose_kernel(CPU, torch.bfloat16) is compiled
    assert choose_kernel(CPU, torch.float64) is dense
    assert choose_kernel(old, torch.float32) is dense
    monkeypatch.setattr(choose, "find_spec", lambda _: None)
    assert choose_kernel(card, torch.float32) is dense


def test_a_cpu_needs_no_triton() -> None:
    code = (
        "import sys, attnmetrics.model.kernels.choose; assert 'attnmetrics.model.kernels.programs' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@with_triton
def test_the_programs_compile_without_a_gpu() -> None:
    """What the interpreter forgives, the compiler need not."""
    compiled = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    script = [sys.executable, Path(__file__).parents[1] / "compiling.py"]
    ended = subprocess.run(script, env=compiled, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["short", "tiled", "received", "linked", "single"], ended.stderr


@pytest.mark.parametrize("dtype", [pytest.param(dtype, marks=ON_CARD) for dtype in (torch.float32, torch.bfloat16)])
@pytest.mark.parametrize("width", [64, 80, 128])
@pytest.mark.parametrize("attends", [Attends(True, 1, 0), Attends(False, 1, 1)])
def test_on_a_gpu(dtype: torch.dtype, width: int, attends: Attends) -> None:
    lengths = [*range(1, 70, 3), 127, 128, 129, 300]
    tensors = draw(sum(lengths), 3, width, width, dtype)
    agree(make_fused(), lengths, tensors, attends, 1e-5, 1e-2 if dtype == torch.bfloat16 else 1e-5)


@pytest.mark.parametrize("dtype", [pytest.param(dtype, marks=ON_CARD) for dtype in ("float32", "bfloat16")])
def test_a_shard_has_the_same_bits_twice_on_a_gpu(tmp_path: Path, dtype: str) -> None:
    model = load_model(str(save_model(tmp_path, "gpt2")), dtype=dtype)  # type: ignore[arg-type]
    assert model.describe()["kernel"] == "fused"
    assert_same_bits(measure(annotate(TEXTS), model), measure(annotate(TEXTS), model))
