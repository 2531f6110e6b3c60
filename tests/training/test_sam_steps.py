"""A step is Keras's own in everything but the gradient."""

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from tests.support import sam_reference as slow
from tests.support.sam_training import fit, fit_noisy, noisy

BACKEND = keras.config.backend()


OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "clipping": lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.3),
    "averaging": lambda: keras.optimizers.AdamW(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=5),
    "accumulating": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
}


def climb(fn, w, rho):
    return slow.sam(fn(w)[1], w, rho)


# The others differ in Keras's own code only.
MARKED = [name if name == "accumulating" else pytest.param(name, marks=pytest.mark.again) for name in OPTIMIZERS]


@pytest.mark.parametrize("name", MARKED)
def test_the_optimizer_gets_the_gradient_and_does_the_rest(name):
    _, expected = slow.train(OPTIMIZERS[name](), climb)
    found = fit(ks.SAM(slow.network(), rho=0.1), OPTIMIZERS[name]())
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    "options", [{}, {"steps_per_execution": 2}, pytest.param({"jit_compile": True}, marks=pytest.mark.again)], ids=str
)
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
