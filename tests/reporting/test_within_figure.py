import numpy as np
import pandas as pd

from keras_sharpness.reporting.within_figure import within


def test_each_cell_shows_its_tau():
    taus = pd.DataFrame({"rate": [0.5, -1.0], "width": [np.nan, 0.25]}, index=["one", "other"])
    axes = within(taus, "title").axes[0]
    assert [text.get_text() for text in axes.texts] == ["0.50", "–", "−1.00", "0.25"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "other"]
    assert axes.images[0].get_clim() == (-1, 1)
