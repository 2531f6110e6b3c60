"""After a fork, a measurement is right or refused; it does not wait forever."""

import os
import time
import warnings

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from keras_sharpness.errors import InputError

X, Y = np.random.default_rng(0).normal(size=(2, 20, 1)).astype("float32")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no system that forks")
def test_after_a_fork_it_is_right_or_refused_in_one_line():
    works = keras.config.backend() == "torch"
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def measured():
        return ks.gradient_norm(model, X, Y, "mse")

    expected = measured()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if measured() == expected else 1)
        except InputError as error:
            os._exit(2 if "must run in a process that was not forked" in str(error) else 3)
        finally:
            os._exit(4)
    end = time.monotonic() + 60
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(child, 9)
        time.sleep(0.02)
    assert os.waitstatus_to_exitcode(ended[1]) == (0 if works else 2)
