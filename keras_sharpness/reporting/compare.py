"""Runs compared with each other and with what the paper published: a page, a figure for each model, and a table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from keras_sharpness.reporting.comparison_figure import comparison
from keras_sharpness.reporting.comparison_page import page, row
from keras_sharpness.reporting.drawing import png
from keras_sharpness.reporting.findings import verdicts
from keras_sharpness.reporting.output import write_files
from keras_sharpness.reporting.sources import Pool, read_groups
from keras_sharpness.reporting.tau_figure import forest
from keras_sharpness.reporting.wording import title
from keras_sharpness.studies.config import SYSTEMS


def write_comparison(runs: Sequence[str], reference: str, output: Path) -> list[str]:
    """Writes `compare.md`, `compare.csv`, `compare.png` and, for each model, `compare_MODEL.png`.

    Nothing is written before all are complete in memory, and each file appears whole.

    Args:
        runs: Folders of runs, or CSV files of other people's results; see `sources.read_groups`.
        reference: What the others are compared with: "published", "none", or another run or file.
        output: The folder.

    Returns:
        The findings, a line each.

    Raises:
        InputError: If a source cannot be read or has no tau.
    """
    groups = read_groups(runs, reference)
    findings = {model: verdicts(pools) for model, pools in groups.items()}
    pictures = _pictures(groups)
    rows = pd.DataFrame([row(model, pool) for model, pools in groups.items() for pool in pools])
    texts = {"compare.csv": rows.to_csv(index=False), "compare.md": page(groups, findings)}
    write_files(output, pictures | texts)
    return [f"{model}, {line}" for model, lines in findings.items() for line in lines]


def _pictures(groups: dict[str, list[Pool]]) -> dict[str, bytes]:
    pictures = {"compare.png": png(forest({title(model): pools for model, pools in groups.items()}))}
    for model, pools in groups.items():
        loss_name = SYSTEMS[model].loss if model in SYSTEMS else "loss"
        pictures[f"compare_{model}.png"] = png(comparison(pools, title=title(model), loss_name=loss_name))
    return pictures
