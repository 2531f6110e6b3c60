import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.backend.mapping import is_mapping, within_map


def test_vectorize_is_seen_from_inside_only():
    seen = []

    def double(x):
        seen.append(is_mapping())
        return 2 * x

    backend.vectorize(double, (0,))(ops.convert_to_tensor(np.ones(3, "float32")))
    # JAX needs no mark: its operations have rules for many copies.
    assert set(seen) == {backend.vectorize.__module__ != "keras_sharpness.backend.jax"}
    assert not is_mapping()


def test_a_failure_inside_takes_the_mark_away():
    with pytest.raises(ZeroDivisionError), within_map():
        assert is_mapping()
        raise ZeroDivisionError
    assert not is_mapping()
