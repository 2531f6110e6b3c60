"""Training agrees with slow float64 versions of the papers' algorithms, and is Keras's in everything else."""

import contextlib

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support import sam_reference as slow
from tests.support.sam_reference import BATCH, SAMPLE_WEIGHT, X, Y

BACKEND = keras.config.backend()
SGD = keras.optimizers.SGD
SUMS = keras.losses.MeanSquaredError(reduction="sum")


def once(rule, **options):
    return lambda fn, w, rho: rule(fn(w)[1], w, rho, **options)


def several(fn, w, rho):
    """Three steps of projected gradient ascent in the l2 ball."""
    delta = [0 * v for v in w]
    for _ in range(3):
        g = fn([a + b for a, b in zip(w, delta, strict=True)])[1]
        delta = [a + 0.5 * b for a, b in zip(delta, g, strict=True)]
        delta = [rho * a / max(np.linalg.norm(slow.flat(delta)), rho) for a in delta]
    return delta


def kernels_only(fn, w, rho):
    g = fn(w)[1]
    return slow.sam([g[0], 0 * g[1], g[2], 0 * g[3]], w, rho)


def fit(trainer, optimizer, loss="mean_squared_error", epochs=10, sample_weight=None, **options):
    trainer.compile(optimizer, loss, **options)
    trainer.fit(X, Y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, sample_weight=sample_weight)
    return [np.array(w) for w in trainer.get_weights()]


DECAY = {"initial_learning_rate": 0.3, "decay_steps": 5, "decay_rate": 0.7}
CASES = {
    "sam": ({}, once(slow.sam), {}),
    "asam": ({"adaptive": True, "eta": 0.01}, once(slow.asam, eta=0.01), {}),
    "asam_without_biases": (
        {"adaptive": "no_biases", "eta": 0.01},
        once(slow.asam, eta=0.01, scaled=(True, False, True, False)),
        {},
    ),
    "linf": ({"norm": "linf"}, once(slow.sam_linf), {}),
    "m": ({"m": 4}, once(slow.sam), {"m": 4}),
    "m_of_sums": ({"m": 4}, once(slow.sam), {"m": 4, "sums": True}),
    "every": ({"every": 3}, once(slow.sam), {"every": 3}),
    "m_and_every": ({"every": 2, "m": 5}, once(slow.asam), {"every": 2, "m": 5}),
    "several_steps": (
        {"maximizer": ks.PGA(num_steps=3, step_size=0.5, coordinates="scaled")},
        several,
        {},
    ),
    "select": ({"select": "kernels"}, kernels_only, {}),
    "sample_weight": ({}, once(slow.sam), {"sample_weight": SAMPLE_WEIGHT}),
    "schedule": (
        {"rho": keras.optimizers.schedules.ExponentialDecay(**DECAY)},
        once(slow.sam),
        {"radius": lambda step: 0.3 * 0.7 ** (step / 5)},
    ),
}
CASES["m_and_every"][0]["adaptive"] = True


@pytest.mark.parametrize("name", CASES)
def test_fifty_steps_of_the_algorithm_in_float64(name):
    options, perturb, how = CASES[name]
    rate = 0.02 if how.get("sums") else 0.1
    losses, expected = slow.train(SGD(rate), perturb, **how)
    trainer = ks.SAM(slow.network(), **{"rho": 0.1, **options})
    loss = SUMS if how.get("sums") else "mean_squared_error"
    found = fit(trainer, SGD(rate), loss, sample_weight=how.get("sample_weight"))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    # The loss that `fit` shows is that of the weights, not of the perturbed ones.
    history = trainer.history.history["loss"]
    np.testing.assert_allclose(history, np.mean(np.reshape(losses, (10, 5)), axis=1), rtol=1e-5)


OPTIMIZERS = {
    "momentum": lambda: SGD(0.05, momentum=0.9),
    "clipping": lambda: SGD(0.1, global_clipnorm=0.3),
    "averaging": lambda: keras.optimizers.AdamW(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=5),
    "accumulating": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_optimizer_gets_the_gradient_and_does_the_rest(name):
    _, expected = slow.train(OPTIMIZERS[name](), once(slow.sam))
    found = fit(ks.SAM(slow.network(), rho=0.1), OPTIMIZERS[name]())
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def noisy(units=6):
    """A network with batch normalization, dropout, and losses that its layers add."""
    keras.utils.set_random_seed(2)

    class Adding(keras.layers.Layer):
        def call(self, x):
            self.add_loss(0.01 * keras.ops.mean(x**2))
            return x

    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(units, activation="relu", kernel_regularizer="l2")(inputs)
    hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(Adding()(hidden)))
    outputs = [keras.layers.Dense(1, name="a")(hidden), keras.layers.Dense(1, name="b")(hidden)]
    return keras.Model(inputs, outputs)


def fit_noisy(model, rate=0.1, **options):
    options = {"loss": ["mean_squared_error", "mean_absolute_error"], "loss_weights": [1.0, 0.5], **options}
    model.compile(SGD(rate), metrics=[["mae"], None], **options)
    keras.utils.set_random_seed(7)
    history = model.fit(X, [Y[:, :1], Y[:, 1:]], batch_size=25, epochs=2, shuffle=False, verbose=0)
    return history.history, [np.array(w) for w in model.get_weights()]


@pytest.mark.parametrize("options", [{}, {"steps_per_execution": 2}, {"jit_compile": True}], ids=str)
def test_without_a_radius_it_is_plain_training(options):
    # The masks of dropout, statistics, losses of both outputs, added losses and metrics are those of one pass.
    if BACKEND == "torch" and set(options) & {"jit_compile", "steps_per_execution"}:
        pytest.skip("Keras refuses the one on PyTorch; the other is PyTorch's compiler")
    plain, sam = fit_noisy(noisy(), **options), fit_noisy(ks.SAM(noisy(), rho=0.0), **options)
    assert plain[0].keys() == sam[0].keys()
    for name in plain[0]:
        np.testing.assert_allclose(plain[0][name], sam[0][name], rtol=1e-5)
    for a, b in zip(plain[1], sam[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"m": 8, "every": 2}, {"maximizer": ks.APGD(num_steps=2)}], ids=str)
def test_statistics_losses_and_seeds_are_those_of_the_first_pass(options):
    # With a rate of zero the weights stay, so that training with one pass sees the same weights.
    plain, sam = fit_noisy(noisy(), rate=0.0), fit_noisy(ks.SAM(noisy(), rho=1.0, **options), rate=0.0)
    for name in plain[0]:
        np.testing.assert_allclose(plain[0][name], sam[0][name], rtol=1e-5)
    for a, b in zip(plain[1], sam[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_weights_without_a_gradient_are_left_alone():
    class Unused(keras.layers.Layer):
        def build(self, shape):
            self.spare = self.add_weight(shape=(2,), initializer="ones")

        def call(self, x):
            return x

    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(Unused()(inputs)))
    trainer = ks.SAM(model, rho=0.1)
    trainer.compile(keras.optimizers.AdamW(0.1, weight_decay=0.1), "mean_squared_error")
    with pytest.warns(UserWarning, match="Gradients do not exist") if BACKEND != "jax" else contextlib.nullcontext():
        trainer.fit(X, Y, epochs=1, verbose=0)
    spare = keras.ops.convert_to_numpy(model.trainable_variables[0].value)
    # Keras's own training on JAX decays such weights.
    assert np.all(spare < 1) if BACKEND == "jax" else np.all(spare == 1)


def test_mixed_precision_scales_the_loss():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, activation="relu", dtype="mixed_float16"), keras.layers.Dense(2, dtype="float32")]
    model = keras.Sequential([keras.Input((3,)), *layers])
    trainer = ks.SAM(model, rho=0.05, dtype="mixed_float16")
    trainer.compile(SGD(0.1), "mean_squared_error")
    assert isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)
    before = [np.array(w) for w in model.get_weights()]
    losses = trainer.fit(X, Y, epochs=5, verbose=0, shuffle=False).history["loss"]
    keras.utils.set_random_seed(0)
    exact = ks.SAM(keras.models.clone_model(model, clone_function=_in_float32), rho=0.05)
    exact.model.set_weights(before)
    exact.compile(SGD(0.1), "mean_squared_error")
    expected = exact.fit(X, Y, epochs=5, verbose=0, shuffle=False).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-2)


def _in_float32(layer):
    return type(layer).from_config(layer.get_config() | {"dtype": "float32"})


@pytest.mark.parametrize("options", [{}, {"adaptive": "kernels", "eta": 0.1, "m": 4, "every": 2, "norm": "linf"}])
def test_saved_loaded_and_trained_on_it_gives_the_numbers_of_one_training(options, tmp_path):
    if options:
        options["rho"] = keras.optimizers.schedules.ExponentialDecay(0.3, 5, 0.7)
        options["maximizer"] = ks.PGA(num_steps=2)
    expected = fit(ks.SAM(slow.network(), **options), keras.optimizers.Adam(0.01), epochs=4)
    first = ks.SAM(slow.network(), **options)
    fit(first, keras.optimizers.Adam(0.01), epochs=2)
    first.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(second, ks.SAM)
    assert second.ascent.get_config() == first.ascent.get_config()
    second.fit(X, Y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(expected, second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(second.predict(X, verbose=0), second.model.predict(X, verbose=0), rtol=1e-6)


def test_the_config_holds_every_setting():
    config = ks.SAM(
        slow.network(), 0.2, True, 0.1, "linf", 4, ks.APGD(num_steps=3), 2, "kernels", name="s"
    ).get_config()
    del config["model"]
    maximizer = {"name": "APGD", "num_steps": 3, "step_size": 2.0, "momentum": 0.75, "min_rises": 0.75}
    rest = {"adaptive": True, "eta": 0.1, "norm": "linf", "m": 4, "every": 2, "select": "kernels", "name": "s"}
    assert config == {"rho": 0.2, "maximizer": maximizer, **rest}


class OwnStep(keras.Sequential):
    def train_step(self, data):
        return {}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ks.SAM("mlp"), "`model` must be a Keras model"),
        (lambda: ks.SAM(keras.Sequential([keras.layers.Dense(1)])), "must be built"),
        (lambda: ks.SAM(OwnStep([keras.Input((3,)), keras.layers.Dense(1)])), "methods of its own"),
        (lambda: ks.SAM(keras.Sequential([keras.Input((3,)), keras.layers.ReLU()])), "must have trainable weights"),
        (lambda: ks.SAM(slow.network(), rho=-1), "`rho` must be finite and non-negative"),
        (lambda: ks.SAM(slow.network(), norm="l3"), "`norm` must be one of"),
        (lambda: ks.SAM(slow.network(), m=0), "`m` must be at least 1"),
        (lambda: ks.SAM(slow.network(), every=0), "`every` must be at least 1"),
        (lambda: ks.SAM(slow.network(), select="head"), "`select` must name layers"),
        (lambda: ks.SAM(slow.network(), maximizer=ks.Restarts(maximizer=ks.PGA())), "`maximizer` must climb once"),
        (lambda: ks.SAM(slow.network(), select=lambda v: True).get_config(), "must be names to be saved"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("loss", [["mse", SUMS], keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")])
def test_parts_of_losses_that_do_not_add_up_are_refused(loss):
    trainer = ks.SAM(noisy() if isinstance(loss, list) else slow.network(), m=4)
    trainer.compile("sgd", loss)
    with pytest.raises(InputError, match="`m` must be None"):
        trainer.fit(X, [Y[:, :1], Y[:, 1:]] if isinstance(loss, list) else Y, verbose=0)
