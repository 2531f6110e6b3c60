"""Draws what `run.py` measured."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

COLOURS = {"tensorflow": "#c44e52", "jax": "#4c72b0", "torch": "#dd8452"}


def draw(table: pd.DataFrame, pools: pd.DataFrame) -> Figure:
    """Draws how much faster than the plain loop, and how the time grows with the pool.

    Args:
        table: A row per network and code, from `run.py`.
        pools: Seconds of pools of several sizes.
    """
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    training, sharpness, growth = figure.subplots(1, 3)
    for axes, part in ((training, "training"), (sharpness, "sharpness")):
        _draw_ratios(axes, table, part)
    training.legend(frameon=False)
    _draw_growth(growth, pools)
    return figure


def _draw_ratios(axes, table: pd.DataFrame, part: str) -> None:
    ratios = table.pivot(index="network", columns="code", values=f"{part}: faster")
    ratios = ratios.loc[table["network"].unique(), [code for code in COLOURS if code in ratios]]
    ratios.plot.bar(ax=axes, rot=0, width=0.75, color=[COLOURS[code] for code in ratios], legend=False)
    for bars in axes.containers:
        axes.bar_label(bars, fmt="{:.3g}", fontsize=8)
    axes.set(yscale="log", ylim=(0.5, 1.6 * ratios.max().max()))
    axes.axhline(1, color="black", linewidth=0.8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}x"))
    axes.set(title=f"{part}: faster than a plain PyTorch loop", xlabel="")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_growth(axes, pools: pd.DataFrame) -> None:
    for (network, code), rows in pools.groupby(["network", "code"]):
        style = "-" if network == "fcnn" else "--"
        axes.plot(rows["models"], rows["seconds"], style, marker="o", color=COLOURS[code], label=f"{network}, {code}")
    axes.set(xscale="log", yscale="log", xlabel="models in the pool", title="seconds to train and measure a pool")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
