import keras
import numpy as np
import pytest
from keras import ops

from keras_sharpness.studies.config import released_config, study_config
from keras_sharpness.studies.networks import build_network, build_objective, without_dropout
from tests.support import cases


@pytest.mark.parametrize(
    ("config", "name", "outputs"),
    [
        (study_config("fcnn"), "fcnn", 1),
        (study_config("lenet"), "lenet5", 10),
        (study_config("gat", heads=3), "gat", 7),
    ],
)
def test_each_system_has_its_network(config, name, outputs):
    network = build_network(config)
    assert (network.name, network.output_shape[-1]) == (name, outputs)


def test_the_released_network_on_abalone_has_another_activation():
    released, paper = (build_network(released_config("fcnn", names)) for names in ((), ("activation",)))
    x = np.random.default_rng(0).normal(size=(50, 10)).astype("float32")
    assert (released.predict(x, verbose=0) >= -1).all()
    released.set_weights([np.full_like(w, -1.0) for w in released.get_weights()])
    paper.set_weights(released.get_weights())
    assert (released.predict(x, verbose=0) > -1.1).all() and (released.predict(x, verbose=0) != 0).any()
    assert (paper.predict(x, verbose=0) == -1).any()


def test_losses_are_those_of_the_paper():
    case = cases.fcnn()
    objective = build_objective(study_config("fcnn"), case.model, on_graph=False)
    assert objective.batch_loss.name == "mean_squared_error" and not objective.on_graph
    objective = build_objective(study_config("gat"), cases.gat().model, on_graph=True)
    assert objective.batch_loss.counts_errors and objective.on_graph


def test_without_dropout_training_mode_repeats_itself_and_the_original_does_not():
    case = cases.lenet5()
    quiet = without_dropout(case.model)
    quiet.set_weights(case.model.get_weights())
    same, other = ([ops.convert_to_numpy(m(case.x, training=True)) for _ in range(2)] for m in (quiet, case.model))
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(*other)
    rates = [layer.rate for layer in case.model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates and all(rates)


def test_without_dropout_a_network_has_the_same_variables():
    model = cases.lenet5().model
    quiet = without_dropout(model)
    for name in ("trainable_variables", "non_trainable_variables"):
        ours, theirs = ([(v.shape, v.dtype) for v in getattr(m, name)] for m in (quiet, model))
        assert ours == theirs
    assert not {id(v) for v in quiet.variables} & {id(v) for v in model.variables}
