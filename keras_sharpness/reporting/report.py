"""A run's report: what it found, beside what the paper prints, and how to repeat it."""

import io
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from keras_sharpness.atomic import atomic_open
from keras_sharpness.reporting.figures import scatter
from keras_sharpness.reporting.published import PUBLISHED, Published
from keras_sharpness.reporting.run_folder import CORRELATION, RunFolder, flatten, read_run
from keras_sharpness.statistics import Kendall

TITLES = {"fcnn": "FCNN on Abalone", "lenet": "LeNet-5 on FashionMNIST", "gat": "GAT on Cora"}
QUANTILES = {"minimum": 0, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "maximum": 1}
DISTRIBUTED = ("sharpness", "train_loss", "test_loss", "train_error", "test_error", "epochs")


def write_report(folder: str | Path) -> Path:
    """Writes `scatter.png` and `report.md` into the folder of a finished run.

    Nothing is written before both are complete in memory, and each file appears whole.

    Args:
        folder: The run's folder, with `config.json`, `models.csv` and `summary.json`.

    Returns:
        Path of the report.

    Raises:
        InputError: If one of the three files is missing or damaged.
    """
    folder = Path(folder)
    run = read_run(folder)
    picture, text = _picture(run), _text(run)
    with atomic_open(folder / "scatter.png", "wb") as file:
        file.write(picture)
    with atomic_open(folder / "report.md") as file:
        file.write(text)
    return folder / "report.md"


def verdict(kendall: Kendall | None, published: Published | None) -> str:
    """Says in one sentence what the run found.

    Args:
        kendall: The run's correlation; None if it is undefined.
        published: The paper's, if it has this model.

    Returns:
        A sentence without markup.
    """
    if kendall is None:
        return "Kendall's tau is undefined: too few models with finite, different values."
    found = (
        f"{finding(kendall)}: tau = {kendall.tau:.3f}, and its {100 * kendall.confidence:g} % interval "
        f"{interval(kendall)} {'excludes' if excludes_zero(kendall) else 'includes'} 0"
    )
    return f"{found}; {_comparison(kendall, published)}." if published else f"{found}."


def finding(kendall: Kendall) -> str:
    """Returns in words what tau means, if its interval leaves out zero."""
    if not excludes_zero(kendall):
        return "No clear relation between sharpness and test loss"
    return f"Sharper models had {'higher' if kendall.tau > 0 else 'lower'} test loss"


def excludes_zero(kendall: Kendall) -> bool:
    """Returns whether the interval of tau leaves out zero."""
    return kendall.ci_low > 0 or kendall.ci_high < 0


def _comparison(kendall: Kendall, published: Published) -> str:
    sign = "the same sign" if kendall.tau * published.tau > 0 else "another sign"
    place = "inside" if kendall.ci_low <= published.tau <= kendall.ci_high else "outside"
    return f"the paper's {published.tau:.3f} has {sign} and lies {place} the interval"


def interval(kendall: Kendall) -> str:
    """Returns "[-0.457, -0.047]"."""
    return f"[{kendall.ci_low:.3f}, {kendall.ci_high:.3f}]"


def _picture(run: RunFolder) -> bytes:
    adaptive = run.setting("scaling", "adaptive") == "adaptive"
    figure = scatter(
        run.finite,
        run.kendall,
        title=_title(run),
        loss_name="cross-entropy" if "test_error" in run.models else "mean squared error",
        rho=run.setting("rho"),
        sharpness_name="Adaptive worst-case sharpness" if adaptive else "Worst-case sharpness",
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _title(run: RunFolder) -> str:
    model: str = run.setting("model")
    return TITLES.get(model, model)


def _text(run: RunFolder) -> str:
    published = PUBLISHED.get(run.setting("model"))
    parts = [
        f"# {_title(run)}: sharpness and test loss",
        f"**{verdict(run.kendall, published)}**",
        *_left_out(run),
        "![Test loss against sharpness, a point per model](scatter.png)",
        "## Correlation",
        _correlation_table(run, published),
        *_precision(published),
        "## Models",
        _quantile_table(run),
        *_section("Times", _times(run)),
        *_section("Further results", _further(run)),
        *_section("Settings", ((name, value) for name, value in flatten(run.config) if name != "command")),
        *_command(run),
    ]
    return "\n\n".join(parts) + "\n"


def _left_out(run: RunFolder) -> list[str]:
    if not run.num_diverged:
        return []
    models, are = ("model", "is") if run.num_diverged == 1 else ("models", "are")
    return [f"{run.num_diverged} {models} with a non-finite loss or sharpness {are} left out of tau and of the figure."]


def _correlation_table(run: RunFolder, published: Published | None) -> str:
    rows = [["", "this run"], *map(list, _our_column(run))]
    if published:
        rows = [[*row, value] for row, value in zip(rows, _paper_column(published), strict=True)]
    return _table(rows[0], rows[1:])


def _our_column(run: RunFolder) -> list[tuple[str, str]]:
    kendall = run.kendall
    return [
        ("Kendall's tau", f"{kendall.tau:.3f}" if kendall else "undefined"),
        ("95 % interval", interval(kendall) if kendall else "undefined"),
        ("p-value", f"{kendall.p_value:.2g}" if kendall else "undefined"),
        ("models", str(run.summary["num_models"])),
        ("rho", f"{run.setting('rho'):g}"),
    ]


def _paper_column(published: Published) -> list[str]:
    heading, tau = f"paper, {published.source}", f"{published.tau:.3f}"
    return [heading, tau, "not given", f"{published.p_value:g}", str(published.num_models), f"{published.rho:g}"]


def _precision(published: Published | None) -> list[str]:
    text = "The p-value is two-sided, for independence. The interval is a percentile bootstrap over the models."
    if not published:
        return [text]
    size = published.num_models
    deviation = math.sqrt(2 * (2 * size + 5) / (9 * size * (size - 1)))
    return [
        f"{text} The paper's tau is uncertain too: over pools of {size} models, tau has a standard deviation of "
        f"{deviation:.2f} where sharpness and test loss are independent."
    ]


def _quantile_table(run: RunFolder) -> str:
    rows = []
    for name in DISTRIBUTED:
        if name in run.finite and len(run.finite):
            values = np.nanquantile(run.finite[name], list(QUANTILES.values()))
            rows.append((name.replace("_", " "), *(f"{value:.4g}" for value in values)))
    return _table(("", *QUANTILES), rows)


def _times(run: RunFolder) -> list[tuple[str, str]]:
    seconds = ((name, value) for name, value in flatten(run.summary) if name.startswith("seconds_"))
    return [(name.removeprefix("seconds_").replace("_", " "), f"{_plain(value)} s") for name, value in seconds]


def _further(run: RunFolder) -> list[tuple[str, Any]]:
    shown = {*CORRELATION, "num_models", "num_diverged"}
    return [item for item in flatten(run.summary) if item[0] not in shown and not item[0].startswith("seconds_")]


def _section(heading: str, items: Iterable[tuple[str, Any]]) -> list[str]:
    rows = [(name, _plain(value)) for name, value in items]
    return [f"## {heading}", _table(("", "value"), rows)] if rows else []


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(entry, str | int | float) for entry in value):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value)


def _command(run: RunFolder) -> list[str]:
    command = run.config.get("command")
    return ["## Repeat this run", f"```sh\n{command}\n```"] if command else []


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    # A bar or a line break would end the cell.
    return " ".join(text.replace("|", "\\|").split())
