import keras
import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness import backend
from keras_sharpness.errors import InputError
from keras_sharpness.execution.plan import MOST_PARAMETERS
from keras_sharpness.objective.objective import values
from tests.support import cases

BATCHES = np.random.default_rng(3).integers(0, 40, (3, 16))


@pytest.fixture(params=cases.NAMES)
def case(request):
    return cases.CASES[request.param]()


def measure(case, **arguments):
    maximizer = arguments.pop("maximizer", ks.PGA(num_steps=4, step_size=case.step_size))
    arguments = {"loss": case.loss, "rho": case.rho, "batches": BATCHES} | arguments
    return ks.worst_case_sharpness(case.model, case.x, case.y, maximizer=maximizer, **arguments)


@pytest.mark.parametrize("plan", ["sequential", "vectorized"])
@pytest.mark.parametrize("scaling", ["adaptive", "none"])
def test_losses_agree_with_the_float64_reference(case, plan, scaling):
    if plan == "vectorized" and case.model.name == "lenet5" and not backend.VECTORIZES_CONVOLUTIONS:
        with pytest.raises(InputError, match="must be .sequential. for a model with convolutions"):
            measure(case, plan=plan)
        return
    scale = np.abs if scaling == "adaptive" else np.ones_like
    result = measure(case, plan=plan, scaling=scaling)
    expected = case.reference_paths(BATCHES, 4, scale)
    assert np.ptp(expected, axis=1).min() > 1e-3  # a path that stands still would show nothing
    np.testing.assert_allclose(result.losses, expected, rtol=1e-4)


@pytest.mark.parametrize("maximizer", [ks.PGA(num_steps=3, step_size="auto"), ks.APGD(num_steps=3)])
def test_a_large_network_climbs_as_a_small_one(maximizer):
    """Where it runs one step after another, a step may take the memory of the one before, and nobody else's."""
    keras.utils.set_random_seed(0)
    large = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1500, activation="tanh"), keras.layers.Dense(1500)])
    assert large.count_params() > MOST_PARAMETERS
    x, y = np.random.default_rng(0).normal(size=(12, 3)).astype("float32"), np.zeros((12, 1500), "float32")
    given = {"loss": "mean_squared_error", "rho": 0.01, "batches": np.arange(12).reshape(2, 6), "maximizer": maximizer}
    before = [w.copy() for w in large.get_weights()]
    stepwise, at_once = (ks.worst_case_sharpness(large, x, y, plan=plan, **given) for plan in (None, "vectorized"))
    np.testing.assert_allclose(stepwise.losses, at_once.losses, rtol=1e-5)
    for ours, theirs in zip(large.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_a_small_part_of_a_graph_is_enough_for_a_small_batch():
    case, batches = cases.gat(), np.array([[3, 8], [50, 51]])
    result = measure(case, batches=batches)
    np.testing.assert_allclose(result.losses, case.reference_paths(batches, 4), rtol=1e-4)


def test_a_step_that_mixes_all_nodes_gets_the_whole_graph():
    case = cases.gat()
    outputs = case.model.output - ops.mean(case.model.output, axis=0)
    mixed = keras.Model(case.model.input, outputs)
    arguments = {"rho": 0.05, "batches": np.array([[3, 8]]), "maximizer": ks.PGA(step_size=0.5)}
    result = ks.worst_case_sharpness(mixed, case.x, case.y, case.loss, **arguments)
    logits = ops.convert_to_numpy(mixed(case.x.inputs))[[3, 8]]
    assert result.losses[0, 0] == pytest.approx(float(case.loss(case.y[[3, 8]], logits)), rel=1e-5)


@pytest.mark.slow
def test_blocks_of_any_size_give_the_same_paths(monkeypatch):
    for build in (cases.fcnn, cases.gat):
        case, batches = build(), np.random.default_rng(4).integers(0, 40, (7, 5))
        whole = measure(case, batches=batches, plan="vectorized")
        monkeypatch.setattr("keras_sharpness.execution.plan.MOST_COPIES", 3)  # blocks of 3, 3 and 1
        parts = measure(case, batches=batches, plan="vectorized")
        monkeypatch.undo()
        np.testing.assert_allclose(parts.losses, whole.losses, rtol=1e-5)
        np.testing.assert_allclose(whole.losses, case.reference_paths(batches, 4), rtol=1e-4)


@pytest.mark.slow
def test_training_mode_sees_the_whole_graph():
    """Dropout's masks follow from places in the arrays: on a part of the graph they would be others."""
    case, nodes = cases.gat(), np.array([3, 8])
    part, field = case.data.on_field(nodes, hops=2)
    assert part.num_examples < case.data.num_examples

    def training_loss(data, places):
        at = (*values(case.model), data.tensors, ops.convert_to_tensor(places))
        return float(ops.convert_to_numpy(case.objective.loss(*at, training=True)))

    (found,) = measure(case, batches=nodes[None], training=True).losses[:, 0]
    assert found == pytest.approx(training_loss(case.data, nodes), rel=1e-5)
    assert found != pytest.approx(training_loss(part, field.places(nodes)), rel=1e-2)
    assert found != pytest.approx(measure(case, batches=nodes[None]).losses[0, 0], rel=1e-2)


def test_result_follows_from_the_losses(case):
    result = measure(case)
    rises = result.losses.max(axis=1) - result.losses[:, 0]
    np.testing.assert_allclose(result.per_batch, rises, rtol=1e-3)
    assert result.losses.shape == (3, 5)
    assert result.value == pytest.approx(rises.mean(), rel=1e-3)
    assert result.standard_error == pytest.approx(rises.std(ddof=1) / np.sqrt(3), rel=1e-3)


@pytest.mark.parametrize("scaling", ["adaptive", "none"])
def test_never_negative_even_when_the_ascent_falls(scaling):
    """A step so long that it jumps over the top of the loss within the ball, and lands below where it began."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[1.0]])])
    # The loss -(w - 1.1)^2 rises at w = 1, is highest at 1.1, and lower at the end of the ball, 1.5, than at 1.
    arguments = {"loss": lambda y, p: -((p - y) ** 2), "rho": 0.5, "scaling": scaling, "batches": [[0]]}
    maximizer = ks.PGA(num_steps=1, step_size=100.0)
    result = ks.worst_case_sharpness(model, np.ones((1, 1)), np.array([[1.1]]), maximizer=maximizer, **arguments)
    np.testing.assert_allclose(result.losses, [[-0.01, -0.16]], rtol=1e-3)
    assert result.per_batch == [0.0]


def test_model_is_left_as_it_was(case):
    before = [ops.convert_to_numpy(v.value) for v in case.model.variables]
    measure(case, training=True)
    for value, variable in zip(before, case.model.variables, strict=True):
        np.testing.assert_array_equal(value, ops.convert_to_numpy(variable.value))


def test_zero_weights_do_not_move_and_are_no_nan():
    case = cases.fcnn()
    for variable in case.model.trainable_variables:
        variable.assign(ops.zeros_like(variable.value))
    assert measure(case).value == 0


def test_linear_loss_reaches_rho_times_the_dual_norm():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    kernel, bias = np.array([[1.0], [-2.0], [0.5]]), np.array([3.0])
    model.set_weights([kernel, bias])
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    gradient = np.append(x.mean(axis=0), 1.0)
    weights = np.append(kernel, bias)
    for scaling, scale in (("adaptive", np.abs(weights)), ("none", np.ones(4))):
        result = ks.worst_case_sharpness(
            model,
            x,
            np.zeros(8),
            loss=lambda y, p: p,
            rho=0.1,
            scaling=scaling,
            maximizer=ks.PGA(num_steps=3, step_size=100.0),
            batches=np.arange(8)[None],
        )
        assert result.value == pytest.approx(0.1 * np.abs(scale * gradient).sum(), rel=1e-5)


def test_logistic_loss_of_one_example_reaches_its_closed_form():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    kernel, bias = np.array([[0.7], [-1.2]]), np.array([0.3])
    model.set_weights([kernel, bias])
    x, rho = np.array([[1.5, -0.5]], "float32"), 0.2
    logit = float((x @ kernel + bias).item())
    fall = rho * (np.abs(x) @ np.abs(kernel) + np.abs(bias)).item()
    result = ks.worst_case_sharpness(
        model,
        x,
        np.ones((1, 1)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        rho=rho,
        maximizer=ks.PGA(num_steps=3, step_size=100.0),
        batches=[[0]],
    )
    assert result.losses[0, 0] == pytest.approx(np.log1p(np.exp(-logit)), rel=1e-5)
    assert result.losses[0, -1] == pytest.approx(np.log1p(np.exp(fall - logit)), rel=1e-5)


def rescale_hidden_units(model):
    """Multiplies what goes into each ReLU unit by a positive factor and divides what comes out: the same function."""
    weights, rng = model.get_weights(), np.random.default_rng(5)
    for k in (0, 2):
        factors = np.exp2(rng.integers(-3, 4, weights[k].shape[1])).astype("float32")
        weights[k], weights[k + 1] = weights[k] * factors, weights[k + 1] * factors
        weights[k + 2] = weights[k + 2] / factors[:, None]
    model.set_weights(weights)


@pytest.mark.parametrize(("scaling", "stays"), [("adaptive", True), ("none", False)])
def test_rescaling_of_relu_layers(scaling, stays):
    case = cases.fcnn()
    before_outputs = case.model.predict(case.x, verbose=0)
    maximizer = ks.PGA(num_steps=5, step_size=0.5, coordinates="scaled")
    before = measure(case, maximizer=maximizer, scaling=scaling)
    rescale_hidden_units(case.model)
    after = measure(case, maximizer=maximizer, scaling=scaling)
    np.testing.assert_allclose(case.model.predict(case.x, verbose=0), before_outputs, rtol=1e-5, atol=1e-6)
    assert before.value > 0.005
    if stays:
        np.testing.assert_allclose(after.losses, before.losses, rtol=1e-5)
    else:
        assert abs(after.value / before.value - 1) > 0.2


def test_drawn_batches_repeat_with_the_seed_and_differ_without():
    case = cases.fcnn()
    draws = [measure(case, batches=None, seed=seed, num_batches=2, m=8).losses for seed in (4, 4, 5)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.allclose(draws[0], draws[2])


def test_config_repeats_the_measurement():
    case = cases.fcnn()
    first = measure(case, batches=None, seed=7, num_batches=2, m=8)
    config = first.config
    again = measure(
        case, batches=None, **{k: config[k] for k in ("rho", "norm", "scaling", "m", "num_batches", "seed")}
    )
    np.testing.assert_array_equal(first.losses, again.losses)
    assert config["maximizer"] == {
        **{"name": "PGA", "num_steps": 4, "step_size": 0.05},
        **{"direction": "gradient", "coordinates": "weights"},
    }


@pytest.mark.slow
def test_examples_are_the_only_ones_drawn():
    case = cases.gat()
    labels = case.y.copy()
    case.y = case.y.copy()
    case.y[5:] = -1  # would give a loss of NaN
    only = measure(case, batches=None, examples=np.arange(5), num_batches=3, m=6)
    case.y = labels
    assert np.isfinite(only.losses).all()
    np.testing.assert_array_equal(
        only.losses, measure(case, batches=None, examples=np.arange(5), num_batches=3, m=6).losses
    )


def test_compiled_loss_is_the_default():
    case = cases.fcnn()
    case.model.compile(loss="mean_squared_error")
    np.testing.assert_array_equal(measure(case, loss=None).losses, measure(case).losses)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rho": -0.1}, "`rho` must be finite and non-negative. Received: rho=-0.1"),
        ({"rho": float("nan")}, "`rho` must be finite"),
        ({"norm": "l7"}, "`norm` must be one of linf, l2, l1"),
        ({"scaling": "filter"}, "`scaling` must be one of adaptive, none, per_filter, per_layer"),
        ({"batches": [[0, 200]]}, "`batches` must name examples 0 to 199"),
        ({"batches": [[0.5]]}, "`batches` must be integers of shape (num_batches, m)"),
        ({"batches": [0, 1]}, "`batches` must be integers of shape (num_batches, m)"),
        ({"batches": None, "m": 0}, "`m` must be at least 1"),
        ({"batches": None, "examples": []}, "`examples` must be integers"),
        ({"plan": "fast"}, "`plan` must be one of vectorized, sequential"),
        ({"loss": None}, "`loss` must be given"),
        ({"loss": "no such loss"}, "`loss` must be a Keras loss"),
    ],
)
def test_bad_arguments_say_what_must_hold_and_what_came(arguments, message):
    with pytest.raises(InputError) as error:
        measure(cases.fcnn(), **arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_inputs_and_targets_must_fit():
    case = cases.fcnn()
    case.y = case.y[:-1]
    with pytest.raises(InputError, match="equally many examples"):
        measure(case)


def test_unbuilt_model_is_refused():
    case = cases.fcnn()
    case.model = keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(InputError, match="must be built"):
        measure(case)
