import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.errors import InputError
from keras_sharpness.maximizers import PGA
from keras_sharpness.measures import climbing, worst_case_sharpness
from keras_sharpness.models import gat
from keras_sharpness.objective.graph import Graph
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.store import PoolStore
from keras_sharpness.studies.config import make_config, study_config
from keras_sharpness.studies.measurement import BatchAscents
from keras_sharpness.studies.released.ascents import ReleasedAscents
from keras_sharpness.studies.released.other_pool import OtherPool
from keras_sharpness.studies.run import run_study
from keras_sharpness.studies.study import Study, make_study
from tests.support import cases
from tests.support.studies import small


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


def test_training_on_a_graph_sees_only_the_field_of_its_nodes():
    case = cases.gat()
    features = np.zeros((60, 1433), "float32")
    features[:, :30] = case.x.features
    dataset = Dataset(
        name="cora", x=Graph(features, case.x.edges), y=case.y, train=np.array([3, 8, 9]), test=np.arange(20, 60)
    )
    study = Study(study_config("gat"), dataset)
    assert study._training_data.num_examples < study.data.num_examples == 60
    targets = ops.convert_to_numpy(study._training_data.tensors[1])
    assert targets[study._training_examples].tolist() == case.y[dataset.train].tolist()


@pytest.mark.parametrize(
    ("names", "kind", "ascents"),
    [
        ([], OtherPool, ReleasedAscents),
        (["matching"], ReleasedAscents, None),
        (["ascent"], OtherPool, BatchAscents),
        (["matching", "ascent"], BatchAscents, None),
    ],
)
def test_a_measurement_is_put_together_from_the_particulars(names, kind, ascents):
    measurement = make_study(make_config("released", names, num_models=1))._measurement
    assert type(measurement) is kind
    if ascents:
        assert type(measurement._measurement) is ascents


def test_sharpness_is_the_mean_rise_over_the_batches():
    losses = np.array([[1.0, 2.0, 1.5, 0, 0, 0], [2.0, 1, 1, 1, 1, 1], [0.0, 0, 0, 0, 0, 5], [1.0, 0, 0, 3, 0, 0]])
    found = Study(*small()).sharpness(losses)
    rises = np.array([1.0, 0, 5, 2])
    assert found["sharpness"] == pytest.approx(rises.mean())
    assert found["sharpness_standard_error"] == pytest.approx(rises.std(ddof=1) / 2)


def test_losses_and_members_of_another_study_are_refused():
    study = Study(*small())
    with pytest.raises(InputError, match=r"must have shape \(4, 6\)"):
        study.sharpness(np.zeros((4, 5)))
    stranger = Member(index=7, seed=0, weights=[np.zeros((3, 2), "float32")], state=[])
    with pytest.raises(InputError, match="model 7 must have the weights of fcnn"):
        list(study.measure([stranger]))


def test_a_study_has_its_procedures_data():
    paper, released = make_study(make_config(num_models=1)), make_study(make_config("released", num_models=1))
    assert (len(paper.dataset.y), len(released.dataset.y)) == (4177, 4176)


@pytest.mark.parametrize(("names", "expected"), [([], [(2 * 63.5 + 135.5) / 3]), (["averages"], [71.5])])
def test_lenets_means_count_the_smaller_last_batch_as_much_as_the_others(monkeypatch, names, expected):
    """With a loss that is each example's own index: two batches of 64, and 16 more as the smaller one."""
    index = lambda *arguments: lambda weights, state, indices: [float(np.mean(indices))]  # noqa: E731
    monkeypatch.setattr("keras_sharpness.studies.study.compile_scores", index)
    case = cases.lenet5()
    dataset = Dataset(name="fashion_mnist", x=case.x, y=case.y, train=np.arange(30), test=np.arange(30, 40))
    study = Study(make_config("released", names, "lenet"), dataset)
    assert study._scores([], [], np.arange(144)) == expected


@pytest.mark.skipif(keras.config.backend() == "torch", reason="PyTorch traces nothing.")
def test_what_was_prepared_is_not_traced_again(monkeypatch):
    traced, ascend = [], climbing.ascend

    def counted(*args, **options):
        climb = ascend(*args, **options)
        return lambda *context: (traced.append(context), climb(*context))[1]

    monkeypatch.setattr(climbing, "ascend", counted)
    study = Study(*small())
    study.prepare()
    assert [index for index, _ in study.measure(study.train([1]))] == [1]
    assert len(traced) == 1
