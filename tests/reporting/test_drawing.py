"""Colours, sizes and files of figures."""

import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from keras_sharpness.reporting.drawing import marker, plain, png


def test_a_figure_as_a_file():
    with Image.open(io.BytesIO(png(Figure(figsize=(2, 1), dpi=50)))) as image:
        assert (image.format, image.size) == ("PNG", (100, 50))


def test_more_models_are_smaller_and_fainter():
    areas, opacities = zip(*map(marker, (10, 100, 1000, 10**6)), strict=True)
    assert list(areas) == [32, 15, 5, 5]
    assert opacities[0] == opacities[1] == 0.85 > opacities[2] > opacities[3] == 0.3


@pytest.mark.parametrize("name", ["$\\frac{$", "a$b", r"\$x$", "$$", "5 $ or 6 $", "x\ud800"])
def test_a_name_is_drawn_as_it_is(name):
    figure = Figure()
    shown = figure.text(0, 0, plain(name))
    assert png(figure)
    text, is_formula = shown._preprocess_math(shown.get_text())
    assert (text, bool(is_formula)) == (name.replace("\ud800", "\ufffd"), False)
