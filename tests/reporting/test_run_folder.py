"""A run's results as the reports read them."""

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.reporting.published import PUBLISHED
from keras_sharpness.reporting.run_folder import flatten, read_run
from tests.reporting.fake_run import CONFIG, SWEEP_CSV, make_models


def test_names_follow_from_the_settings(make_run):
    run = read_run(make_run())
    assert (run.title, run.heading) == ("GAT on Cora", "GAT on Cora: sharpness and test loss")
    assert (run.loss_name, run.sharpness_name) == ("cross-entropy", "Adaptive worst-case sharpness")
    assert run.command == "python main.py --model=gat --seed=7"
    assert run.published == PUBLISHED["gat"]
    plain = {"study": {"model": "mlp", "rho": 0.1, "scaling": "none"}}
    run = read_run(make_run(config=plain, models=make_models().drop(columns="test_error")))
    assert (run.title, run.loss_name, run.sharpness_name) == ("mlp", "mean squared error", "Worst-case sharpness")
    assert (run.command, run.published) == ("", None)


def test_the_outermost_setting_of_a_name(make_run):
    run = read_run(make_run(config=CONFIG | {"rho": 3, "deep": {"er": {"m": 5}}}))
    assert (run.setting("rho"), run.setting("m"), run.setting("num_steps"), run.setting("none", 7)) == (3, 64, 5, 7)


def test_settings_are_flattened():
    assert dict(flatten({"a": {"b": {"c": 1}, "d": {}}, "e": [2]})) == {"a.b.c": 1, "a.d": {}, "e": [2]}


def test_only_finite_models_count(make_run):
    models = make_models()
    models.loc[3, "sharpness"] = np.inf
    models.loc[4, "test_loss"] = np.nan
    run = read_run(make_run(models=models))
    assert len(run.finite) == run.kendall.num_models == 48 and run.num_diverged == 2


def test_undefined_tau(make_run):
    undefined = dict.fromkeys(("tau", "p_value", "tau_ci_low", "tau_ci_high"))
    assert read_run(make_run(**undefined)).kendall is None
    with pytest.raises(InputError, match="`tau` in .* must be a number from -1 to 1"):
        read_run(make_run(**undefined | {"p_value": 0.5}))


def test_a_sweep_is_read_where_there_is_one(make_run):
    folder = make_run()
    assert read_run(folder).sweep is None
    (folder / "sweep.csv").write_text(SWEEP_CSV)
    assert list(read_run(folder).sweep.settings["m"]) == ["64", "64", "full", "full"]
