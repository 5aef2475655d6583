"""Runs the notebooks and stores what they show, from finished runs: `python docs/notebooks.py RUN OTHER GENRES`.

RUN is that of `attnmetrics demo`, OTHER that of `attnmetrics demo --null-tokens none`, GENRES that of
`attnmetrics run --model demo --corpus notebooks/gum --by meta::genre`.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
VARIABLES = ("ATTNMETRICS_RUN", "ATTNMETRICS_OTHER", "ATTNMETRICS_GENRES")

for variable, run in zip(VARIABLES, sys.argv[1:], strict=True):
    os.environ[variable] = str(Path(run).absolute())
for path in sorted(NOTEBOOKS.glob("*.ipynb")):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(NOTEBOOKS)}}
    ).execute()
    nbformat.write(notebook, path)
