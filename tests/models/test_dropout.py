import keras
import numpy as np
from keras import ops

from keras_sharpness.models import Dropout


def masks(layer, shape=(400, 300), steps=2):
    return [ops.convert_to_numpy(layer(np.ones(shape, "float32"), training=True)) for _ in range(steps)]


def test_share_and_scale_of_what_is_kept():
    (mask,) = masks(Dropout(0.6, seed=3), steps=1)
    assert set(np.unique(mask)) == {np.float32(0), np.float32(2.5)}
    assert abs((mask == 0).mean() - 0.6) < 4 * np.sqrt(0.24 / mask.size)


def test_entries_and_steps_look_independent():
    first, second = ((m > 0).astype(float) for m in masks(Dropout(0.5, seed=3)))
    for a, b in ((first, second), (first[:, 1:], first[:, :-1]), (first[1:], first[:-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)


def test_masks_follow_the_seed():
    np.testing.assert_array_equal(masks(Dropout(0.5, seed=3)), masks(Dropout(0.5, seed=3)))
    assert (masks(Dropout(0.5, seed=3))[0] != masks(Dropout(0.5, seed=4))[0]).any()


def test_masks_are_the_same_on_every_backend():
    """The kept positions of a small array, written down: no backend may draw others."""
    (mask,) = masks(Dropout(0.5, seed=1), shape=(32,), steps=1)
    assert "".join("1" if kept else "0" for kept in mask > 0) == "01100110011001111111111101110000"


def test_does_nothing_when_not_training():
    x = np.random.default_rng(0).normal(size=(5, 5)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(Dropout(0.5)(x)), x)


def test_survives_saving(tmp_path):
    model = keras.Sequential([keras.Input((4,)), Dropout(0.3)])
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").layers[-1].rate == 0.3
