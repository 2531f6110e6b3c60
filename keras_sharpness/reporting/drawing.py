"""Colours, sizes and files of every figure."""

import io

import numpy as np
from matplotlib.figure import Figure

DOTS_PER_INCH = 200
# Blue of Okabe and Ito's palette: distinct from black and grey with any colour vision, and in print.
POINT_COLOUR, BAR_COLOUR, TEXT_COLOUR = "#0072B2", "#8FBCD8", "#333333"
# Vermilion of the same palette.
REFERENCE_COLOUR = "#D55E00"


def png(figure: Figure) -> bytes:
    """Returns a figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def plain(text: str) -> str:
    """Returns a name of the user's as a figure shows it: no formula, and nothing that no font has.

    Args:
        text: The name.

    Returns:
        The name, for a text of matplotlib's.
    """
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
    return shown.replace("$", r"\$")


def marker(num_models: int) -> tuple[float, float]:
    """Returns area in square points and opacity: the more models, the smaller and fainter."""
    many = max(num_models, 1)
    return float(np.clip(1500 / many, 5, 32)), float(np.clip(25 / many**0.5, 0.3, 0.85))
