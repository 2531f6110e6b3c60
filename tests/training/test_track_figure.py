import numpy as np
import pandas as pd
import pytest

from keras_sharpness.training.track_figure import track_figure


@pytest.mark.parametrize("adaptive", [False, True])
def test_each_quantity_that_was_measured_is_drawn_beside_its_line(adaptive):
    steps = np.arange(5.0)
    table = pd.DataFrame({"step": steps, "loss": 1 / (1 + steps), "eigenvalue": steps, "threshold": 40.0})
    table["preconditioned"] = 3 * steps if adaptive else np.nan
    table["critical"], table["two_over_rate"], table["worst_case"] = np.nan, 20.0, np.nan
    axes = track_figure(table).axes
    assert [a.get_ylabel() for a in axes] == ["loss", "curvature"]
    lines = {line.get_label(): line.get_ydata() for line in axes[1].lines}
    label, values = ("preconditioned Hessian", 3 * steps) if adaptive else ("Hessian", steps)
    np.testing.assert_array_equal(lines[f"largest eigenvalue, {label}"], values)
    np.testing.assert_array_equal(lines["stability"], 40)
