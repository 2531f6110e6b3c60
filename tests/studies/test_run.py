import json

import numpy as np
import pandas as pd
import pytest
from keras import ops

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.errors import InputError
from keras_sharpness.maximizers import PGA
from keras_sharpness.measures import worst_case_sharpness
from keras_sharpness.models import gat
from keras_sharpness.objective.graph import Graph
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.config import SYSTEMS, study_config
from keras_sharpness.studies.run import run_study, summarize
from keras_sharpness.studies.study import Study
from tests.support import cases


def small(**settings):
    case = cases.fcnn()
    dataset = Dataset(
        name="abalone", x=case.x, y=case.y, train=np.arange(150), test=np.arange(150, 200), source="made up"
    )
    defaults = {"num_models": 3, "num_batches": 4, "m": 8, "max_epochs": 2, "maximizer": None}
    return study_config("fcnn", **(defaults | settings)), dataset


def test_table_one():
    table = {name: (s.schedule.learning_rate, s.loss, s.rho) for name, s in SYSTEMS.items()}
    assert table == {
        "fcnn": (0.014, "mean squared error", 0.025),
        "lenet": (0.05, "cross-entropy", 0.0001),
        "gat": (0.236, "cross-entropy", 0.02),
    }
    for name in SYSTEMS:
        config = study_config(name)
        assert (config.num_models, config.m, config.num_batches, config.pga_steps) == (50, 64, 50, 5)
        assert config.step_size == config.schedule.learning_rate
        assert (config.schedule.batch_size, config.schedule.stop_tolerance) == (64, 0.05)
    epochs = {name: (s.schedule.min_epochs, s.schedule.max_epochs) for name, s in SYSTEMS.items()}
    assert epochs == {"fcnn": (2, 10), "lenet": (2, 10), "gat": (10, 20)}


def test_a_study_measures_as_the_library_does(tmp_path):
    config, dataset = small()
    run_study(Study(config, dataset), tmp_path)
    table = pd.read_csv(tmp_path / "models.csv")
    study = Study(config, dataset)
    model = PoolStore(tmp_path).load_member(1).assign_to(study.objective.model)
    result = worst_case_sharpness(
        model,
        dataset.x,
        dataset.y,
        loss="mean_squared_error",
        rho=config.rho,
        maximizer=study.maximizer,
        m=8,
        num_batches=4,
        seed=config.seed,
        examples=dataset.train,
    )
    assert table["sharpness"][1] == pytest.approx(result.value, rel=1e-6)
    assert table["sharpness_standard_error"][1] == pytest.approx(result.standard_error, rel=1e-6)
    outputs = model.predict(dataset.x[150:], verbose=0)
    assert table["test_loss"][1] == pytest.approx(np.mean((outputs - dataset.y[150:]) ** 2), rel=1e-5)


def test_a_study_on_a_graph_measures_as_the_library_does(tmp_path):
    case = cases.gat()
    model = cases.randomize(gat(num_features=1433))
    features = np.zeros((60, 1433), "float32")
    features[:, :30] = case.x.features
    graph = Graph(features, case.x.edges)
    dataset = Dataset(name="cora", x=graph, y=case.y, train=np.array([3, 8, 9]), test=np.arange(20, 60))
    config = study_config("gat", num_models=1, num_batches=2, m=2, min_epochs=1, max_epochs=1)
    run_study(Study(config, dataset), tmp_path)
    table = pd.read_csv(tmp_path / "models.csv")
    model = PoolStore(tmp_path).load_member(0).assign_to(model)
    maximizer = PGA(num_steps=5, step_size=config.step_size)
    drawn = {"examples": dataset.train, "m": 2, "num_batches": 2, "seed": 0}
    result = worst_case_sharpness(
        model, graph, case.y, cases.CROSS_ENTROPY, rho=config.rho, maximizer=maximizer, **drawn
    )
    assert table["sharpness"][0] == pytest.approx(result.value, rel=1e-4)
    logits = ops.convert_to_numpy(model(graph.inputs))[20:]
    expected = float(cases.CROSS_ENTROPY(case.y[20:], logits))
    assert table["test_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_settings_that_do_not_fit_cost_no_models(tmp_path):
    config, dataset = small()
    run_study(Study(config, dataset), tmp_path)
    unknown, _ = small(norm="l7")
    with pytest.raises(InputError, match="`norm` must be one of linf"):
        run_study(Study(unknown, dataset), tmp_path, resume=False)
    assert PoolStore(tmp_path).trained() == {0, 1, 2}


def test_a_diverged_model_is_counted_and_left_out():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"sharpness": rng.normal(size=20), "test_loss": rng.normal(size=20)})
    whole = summarize(table)
    table.loc[len(table)] = [np.nan, 0.1]
    table.loc[len(table)] = [0.1, np.inf]
    assert summarize(table) == whole | {"num_diverged": 2}


@pytest.mark.parametrize("num_models", [14, 15])
def test_fewer_than_fifteen_models_have_a_tau_without_an_interval(num_models):
    rng = np.random.default_rng(0)
    summary = summarize(pd.DataFrame(rng.normal(size=(num_models, 2)), columns=["sharpness", "test_loss"]))
    assert np.isfinite([summary["tau"], summary["p_value"]]).all()
    assert (summary["tau_ci_low"] is None, summary["tau_ci_high"] is None) == (num_models < 15,) * 2


def test_two_models_have_no_tau():
    summary = summarize(pd.DataFrame({"sharpness": [1.0, 2.0], "test_loss": [1.0, 2.0]}))
    assert summary["tau"] is None
    assert summary["num_models"] == 2


def test_a_diverging_pool_is_told_not_hidden(tmp_path):
    config, dataset = small(learning_rate=1e6)
    summary = run_study(Study(config, dataset), tmp_path)
    assert summary["tau"] is None
    assert summary["num_diverged"] == 3
    assert len(pd.read_csv(tmp_path / "models.csv")) == 3


def test_a_pool_grows_to_what_a_larger_one_would_have_been(tmp_path):
    for folder, sizes in (("grown", (52, 54)), ("whole", (54,))):
        for num_models in sizes:
            config, dataset = small(num_models=num_models, max_epochs=1)
            run_study(Study(config, dataset), tmp_path / folder)
    grown, whole = ((tmp_path / folder / "models.csv").read_bytes() for folder in ("grown", "whole"))
    assert grown == whole
    assert json.loads((tmp_path / "grown" / "config.json").read_text())["study"]["num_models"] == 54


def test_a_pool_does_not_shrink_nor_grow_where_that_would_change_it(tmp_path):
    for num_models, other in ((3, 2), (2, 60)):
        config, dataset = small(num_models=num_models, max_epochs=1)
        folder = tmp_path / str(num_models)
        run_study(Study(config, dataset), folder)
        config, _ = small(num_models=other, max_epochs=1)
        with pytest.raises(InputError, match=f"num_models: {num_models} there, {other} now"):
            run_study(Study(config, dataset), folder)
