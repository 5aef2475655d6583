"""A checkpoint's files, in a folder or from the Hub, and what transformers makes of them, whole and undamaged."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import torch

from attnmetrics.errors import ModelError, first_line
from attnmetrics.model.blocks import read_whole
from attnmetrics.model.modules.adapters import adapt
from attnmetrics.pieces.align import Template, find_template

PROBE_TEXTS: Final = (
    "The cat that the dog had chased sat on the mat, and slept.",
    "Nobody knew.",
    "She gave him two books, which he had read before he was ten.",
    "Time flies",
)
TOKENIZER_FILES: Final = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model",
                          "sentencepiece.bpe.model")  # fmt: skip
ENCODER_DECODER: Final = "AutoModelForSeq2SeqLM"
HUB_FILES: Final = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
HUB_SECONDS: Final = 10


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' progress bar, notices and list of unused weights (a language-model head, say)."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def digest_folder(folder: Path) -> str:
    """Digest of the files that decide what a model computes: weights, configuration, tokenizer, code."""
    digest = blake2b(digest_size=16)
    kinds = {".safetensors", ".bin", ".json", ".txt", ".model", ".py"}
    for path in sorted(path for path in folder.iterdir() if path.suffix in kinds):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def find_folder(name: str, revision: str | None, code: bool, pickles: bool) -> tuple[Path, str | None]:
    """The folder with a model's files, and its commit on the Hub.

    Raises:
        ModelError: there is none.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise ModelError(f"--revision {revision} names a commit on the Hub, but {name} is a folder; leave one out")
        return folder, None
    if folder.is_absolute() or name.startswith(("~", ".")) or name.count("/") > 1:
        raise ModelError(f"expected a model folder at {name}, found none; check the path, or give a name on the Hub")
    return _download(name, revision, code, pickles)


def _download(name: str, revision: str | None, code: bool, pickles: bool) -> tuple[Path, str]:
    """The model's files from the Hub, or from its local cache where the Hub cannot be reached."""
    from huggingface_hub import HfApi, snapshot_download

    patterns = [*HUB_FILES, *["*.py"] * code, *["*.bin"] * pickles]
    files: dict[str, Any] = {"allow_patterns": patterns, "ignore_patterns": ["*/*", "consolidated*"]}
    try:
        commit = HfApi().model_info(name, revision=revision, timeout=HUB_SECONDS).sha
        return Path(snapshot_download(name, revision=commit, **files)), str(commit)
    except Exception as online:
        try:
            folder = Path(snapshot_download(name, revision=revision, local_files_only=True, **files))
        except Exception:
            raise ModelError(
                f"expected the model {name!r} in a local folder, in the Hub's cache or on the Hub, found it in none "
                f"({type(online).__name__}: {first_line(online)}); give a local folder, check the name and the "
                "network, or log in with `hf auth login` if the model is gated"
            ) from online
        return folder, folder.name


def load_tokenizer(name: str, folder: Path, code: bool) -> Any:
    """The `tokenizers.Tokenizer` of a checkpoint.

    Args:
        name: of the model, for errors.
        folder: with its files.
        code: whether its own code may run.

    Raises:
        ModelError: there is none, or it can't be used exactly.
    """
    from transformers import AutoTokenizer

    if not any((folder / file).exists() for file in TOKENIZER_FILES):
        raise ModelError(
            f"expected a tokenizer in {folder} (one of {', '.join(TOKENIZER_FILES)}), found none; save one there"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=code)
    except Exception as error:
        raise ModelError(f"the tokenizer of {name} can't be read: {first_line(error)}; save it again") from error
    if not tokenizer.is_fast:
        raise ModelError(f"{type(tokenizer).__name__} of {name} gives no character offsets; a fast tokenizer is needed")
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    _check_backend(name, tokenizer, find_template(backend))
    return backend


def _check_backend(name: str, tokenizer: Any, template: Template) -> None:
    """Our use of the inner tokenizer must give what transformers gives."""
    for text in PROBE_TEXTS:
        bare = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        ours, theirs = [*template.before, *bare, *template.after], tokenizer(text)["input_ids"]
        if ours != theirs:
            raise ModelError(
                f"the tokenizer of {name} ({type(tokenizer).__name__}) can't be used exactly: expected pieces {theirs} "
                f"of {text!r}, found {ours}"
            )


def load_network(
    name: str, folder: Path, dtype: torch.dtype, code: bool, pickles: bool, kind: str = "AutoModel"
) -> Any:
    """The network of a checkpoint, with eager attention.

    Args:
        name: of the model, for errors.
        folder: with its files.
        dtype: of its weights.
        code: whether its own code may run.
        pickles: whether weights may be other than safetensors.
        kind: the class of transformers that loads it.

    Raises:
        ModelError: it can't be loaded, its weights are not complete, or it is not of this kind.
    """
    import transformers

    if not (folder / "config.json").exists():
        raise ModelError(f"expected config.json in {folder}, found none; save the model with save_pretrained")
    if not pickles:
        _refuse_pickles(folder)
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=code)
        _refuse_kind(name, config, kind)
        _refuse_headless(name, config, kind)
        _refuse_no_language(name, config)
        read_whole(config)
        network, info = getattr(transformers, kind).from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            attn_implementation="eager",
            use_safetensors=None if pickles else True,
            trust_remote_code=code,
            output_loading_info=True,
        )
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"the model {name} can't be loaded from {folder}: {type(error).__name__}: {first_line(error)}; check that "
            "its files are complete, with weights as safetensors"
        ) from error
    _check_complete(name, info, kind)
    if getattr(network, "main_input_name", "input_ids") != "input_ids":
        kind = type(network).__name__
        raise ModelError(f"{name} ({kind}) reads {network.main_input_name}, not text; it can't be measured")
    adapt(network)
    return network.eval()


def _refuse_pickles(folder: Path) -> None:
    """An index of safetensors may name pickles, and transformers would load them."""
    index = folder / "model.safetensors.index.json"
    try:
        named = json.loads(index.read_bytes())["weight_map"].values() if index.exists() else ()
        foreign = sorted({str(name) for name in named if not str(name).endswith(".safetensors")})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{index} can't be read: {first_line(error)}; get the whole checkpoint") from error
    if foreign:
        raise ModelError(
            f"expected safetensors in {index}, found {', '.join(foreign[:3])}; convert the weights, or load them "
            "with --allow-pickle if you trust where they come from"
        )


def _refuse_kind(name: str, config: Any, kind: str) -> None:
    if getattr(config, "is_encoder_decoder", False) and kind not in ("AutoModel", ENCODER_DECODER):
        raise ModelError(
            f"expected a model with one stack that predicts pieces, found {name} ({config.model_type}), which is an "
            "encoder-decoder; its attention can be measured, not what it predicts"
        )


def _refuse_headless(name: str, config: Any, kind: str) -> None:
    """A class of transformers' own for this kind of model; one of a repository's code is seen when it is loaded."""
    import transformers

    known = getattr(transformers, kind)._model_mapping
    if kind != "AutoModel" and type(config) not in known and kind not in getattr(config, "auto_map", {}):
        raise ModelError(
            f"expected a language-model head for {name}, found none that transformers has for {config.model_type} "
            f"({kind}); take a model that predicts words"
        )


def _refuse_no_language(name: str, config: Any) -> None:
    """X-MOD has weights of each language, and no text says which are meant."""
    if getattr(config, "default_language", "") is None:
        raise ModelError(
            f"expected default_language in config.json of {name}, which has weights of its own for each language, "
            f"found none; write the language of the texts there, one of {', '.join(config.languages)}"
        )


def _check_complete(name: str, info: dict[str, Any], kind: str) -> None:
    """A missing weight would be drawn at random. The pooler comes after all attention."""
    missing = sorted(key for key in info["missing_keys"] if "pooler" not in key)
    missing += sorted(str(key) for key in info.get("mismatched_keys", ()))
    if missing and kind != "AutoModel":
        raise ModelError(
            f"expected the weights of a language-model head in {name}, found {len(missing)} of them missing or of "
            f"another shape ({', '.join(missing[:3])}, …): it cannot predict words; take a checkpoint with its head"
        )
    if missing:
        raise ModelError(
            f"{name}: expected a complete checkpoint, found {len(missing)} weights missing or of another shape "
            f"({', '.join(missing[:3])}, …); get the whole checkpoint"
        )
