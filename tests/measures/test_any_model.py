"""Models and data in every form that users bring them."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support import zoo

BATCHES = np.random.default_rng(1).integers(0, zoo.NUM_EXAMPLES, (2, 5))


@pytest.fixture(params=zoo.NAMES)
def example(request):
    return zoo.ZOO[request.param]()


def loss_of(example, indices):
    """The loss as `evaluate` has it, without the package."""
    take = lambda structure: keras.tree.map_structure(lambda a: a[indices], structure)  # noqa: E731
    if example.loss is not None:
        example.model.compile(loss=example.loss)
    logs = example.model.evaluate(take(example.x), take(example.y), batch_size=99, verbose=0, return_dict=True)
    return logs["loss"]


def test_losses_are_those_of_evaluate_and_rise(example):
    maximizer = ks.PGA(num_steps=3, step_size=0.5, direction="steepest")
    r = ks.worst_case_sharpness(
        example.model, example.x, example.y, example.loss, rho=0.01, maximizer=maximizer, batches=BATCHES
    )
    expected = [loss_of(example, batch) for batch in BATCHES]
    tolerance = 1e-2 if "bfloat16" in str(example.model.layers[0].dtype_policy) else 1e-4
    np.testing.assert_allclose(r.losses[:, 0], expected, rtol=tolerance)
    assert (r.per_batch > 0).all()
    assert np.isfinite(r.losses).all()


def test_pieces_of_a_batch_add_up_to_it(example):
    whole, pieces = (
        ks.worst_case_sharpness(
            example.model, example.x, example.y, example.loss, rho=0.01, batches=BATCHES, batch_size=size
        )
        for size in (None, 2)  # pieces of 2, 2 and 1
    )
    # bfloat16 has 8 bits: rounding of a weight plus its perturbation turns on the last bit of a gradient.
    mixed = any(layer.compute_dtype == "bfloat16" for layer in example.model.layers)
    np.testing.assert_allclose(pieces.losses, whole.losses, rtol=2e-2 if mixed else 1e-4)


def snapshot(model):
    values = [np.array(ops.convert_to_numpy(v.value)) for v in model.variables]
    optimizer = getattr(model, "optimizer", None)
    values += [np.array(ops.convert_to_numpy(v.value)) for v in optimizer.variables] if optimizer else []
    seeds = [np.array(ops.convert_to_numpy(v.value)) for v in model.non_trainable_variables]
    return values + seeds, [layer.trainable for layer in model.layers], getattr(model, "loss", None)


def failing(model):
    """A loss that raises, but not yet when it is tried out on each output of a model, twice on TensorFlow."""
    tried = 2 * len(getattr(model, "outputs", [None]))
    calls = itertools.count()

    def loss(targets, outputs):
        if next(calls) >= tried:
            raise RuntimeError("a loss that raises")
        return keras.ops.mean(outputs)

    return loss


@pytest.mark.parametrize("training", [False, True])
def test_model_is_bit_for_bit_what_it_was(example, training):
    if example.loss is not None:
        example.model.compile("adam", loss=example.loss)
    example.model.layers[0].trainable = False if example.model.layers[0].trainable_variables else True
    before = snapshot(example.model)
    data, loss = (example.model, example.x, example.y), example.loss
    ks.worst_case_sharpness(*data, loss, batches=BATCHES, training=training)
    ks.average_case_sharpness(*data, loss, batches=BATCHES, num_draws=2, training=training)
    ks.gradient_norm(*data, loss, training=training)
    with pytest.raises(RuntimeError, match="a loss that raises"):
        ks.worst_case_sharpness(*data, failing(example.model), batches=BATCHES, training=training)
    after = snapshot(example.model)
    for a, b in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert before[1:] == after[1:]


class NoArgument(keras.Model):
    """Its call takes no `training`."""

    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(1)

    def call(self, x):
        return self.out(x)


class NotHandedOn(keras.Model):
    """Its call takes `training`, but leaves it to Keras to tell its layers."""

    def __init__(self):
        super().__init__()
        self.drop, self.out = keras.layers.Dropout(0.5), keras.layers.Dense(1)

    def call(self, x, training=False):
        return self.out(self.drop(x))


X, Y = np.random.default_rng(2).normal(size=(2, 40, 6)).astype("float32")


@pytest.mark.parametrize("training", [False, True])
def test_a_model_whose_call_takes_no_training(training):
    model = NoArgument()
    model(X)
    assert ks.worst_case_sharpness(model, X, Y[:, :1], "mse", rho=0.1, training=training).value > 0


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["sequential", "vectorized"])
def test_noise_of_training_is_there_and_the_same_at_every_point(plan):
    for build in (NotHandedOn, lambda: keras.Sequential([keras.layers.Dropout(0.5), keras.layers.Dense(1)])):
        model = build()
        model(X)
        options = {"rho": 0.0, "plan": plan, "num_batches": 3}
        noisy = ks.worst_case_sharpness(model, X, Y[:, :1], "mse", training=True, **options).losses
        quiet = ks.worst_case_sharpness(model, X, Y[:, :1], "mse", **options).losses
        np.testing.assert_allclose(noisy, np.repeat(noisy[:, :1], 6, axis=1), rtol=1e-5)
        assert (np.abs(noisy / quiet - 1) > 1e-3).all()


@pytest.mark.slow
def test_hessian_is_symmetric_where_there_is_one():
    for name in ("convolutional", "transformer", "subclassed"):
        example = zoo.ZOO[name]()
        hessian = ks.hessian.operator(example.model, example.x, example.y, example.loss)
        u, v = np.random.default_rng(0).normal(size=(2, len(hessian.mean_loss.weights)))
        assert u @ (hessian @ v) == pytest.approx(v @ (hessian @ u), rel=1e-3, abs=1e-4)


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return keras.tree.map_structure(lambda a: a[part], (self.x, self.y))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["PyDataset", "tf.data", "DataLoader", "generator"])
def test_data_in_batches(form):
    example = zoo.subclassed() if form in ("PyDataset", "generator") else zoo.convolutional()
    x, y = example.x, example.y
    if form == "PyDataset":
        data = Batches(x, y)
    elif form == "tf.data":
        data = pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices((x, y)).batch(5)
    elif form == "DataLoader":
        torch = pytest.importorskip("torch")
        tensors = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
        data = torch.utils.data.DataLoader(tensors, batch_size=5)
    else:
        data = (Batches(x, y)[k] for k in range(3))
    arguments = {"loss": example.loss, "rho": 0.01, "batches": BATCHES}
    expected = ks.worst_case_sharpness(example.model, x, y, **arguments)
    np.testing.assert_allclose(ks.worst_case_sharpness(example.model, data, **arguments).losses, expected.losses)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 4)), None, "`y` must be given"),
        (iter([]), None, "`x` must yield at least one batch"),
        (iter([np.zeros((3, 4))]), None, r"`x` must yield batches of \(inputs, targets\)"),
        (iter([(np.zeros(3), 1.0)]), None, "not single ones"),
        (iter([(np.zeros((3, 4)), np.zeros(3))]), np.zeros(3), "`y` must be left out"),
        (np.zeros((3, 4)), 1.0, "examples along their first axis"),
        (np.zeros((0, 4)), np.zeros(0), "equally many examples"),
    ],
)
def test_data_that_is_none_is_refused(x, y, message):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with pytest.raises(InputError, match=message):
        ks.worst_case_sharpness(model, x, y, "mean_squared_error")


def test_an_endless_dataset_is_refused():
    tf = pytest.importorskip("tensorflow")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    data = tf.data.Dataset.from_tensor_slices((np.zeros((3, 4)), np.zeros(3))).batch(2).repeat()
    with pytest.raises(InputError, match="`x` must end"):
        ks.worst_case_sharpness(model, data, loss="mean_squared_error")


def test_losses_must_fit_the_outputs():
    example = zoo.two_inputs_two_outputs()
    with pytest.raises(InputError, match="an entry for each output"):
        ks.worst_case_sharpness(example.model, example.x, example.y["size"], "mean_squared_error")
