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
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.config import study_config
from keras_sharpness.studies.run import run_study
from keras_sharpness.studies.study import Study
from tests.support import cases, studies


def test_a_study_measures_as_the_library_does(tmp_path):
    config, dataset = studies.small()
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


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def study():
    return Study(*studies.small())


def test_sharpness_is_the_mean_rise_over_the_batches(study):
    losses = np.array([[1.0, 2.0, 1.5, 0, 0, 0], [2.0, 1, 1, 1, 1, 1], [0.0, 0, 0, 0, 0, 5], [1.0, 0, 0, 3, 0, 0]])
    found = study.sharpness(losses)
    rises = np.array([1.0, 0, 5, 2])
    assert found["sharpness"] == pytest.approx(rises.mean())
    assert found["sharpness_standard_error"] == pytest.approx(rises.std(ddof=1) / 2)


def test_losses_and_members_of_another_study_are_refused(study):
    with pytest.raises(InputError, match=r"must have the shape \(4, 6\)"):
        study.sharpness(np.zeros((4, 5)))
    stranger = Member(index=7, seed=0, weights=[np.zeros((3, 2), "float32")], state=[])
    with pytest.raises(InputError, match="model 7 must have the weights of fcnn"):
        list(study.measure([stranger]))


def test_a_pool_grows_where_as_many_models_train_at_once(study):
    # Of the few models of a small pool all train at once.
    assert study.grows_from(3) and not study.grows_from(2) and not study.grows_from(4)
    large = Study(*studies.small(num_models=54))
    assert large.grows_from(52) and not large.grows_from(2)
