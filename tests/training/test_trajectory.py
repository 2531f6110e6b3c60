"""The callback keeps the weights that the model had, few enough, in memory or in a folder."""

import shutil

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from tests.support import sam_reference as slow
from tests.support.sam_reference import X, Y


class Seen(keras.callbacks.Callback):
    """Notes the weights after each step."""

    def on_train_begin(self, logs=None):
        self.weights = [self.now()]

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(self.now())

    def now(self):
        # Copies, since training changes what some backends return.
        return [np.array(w) for w in self.model.get_weights()]


def train(callbacks, epochs=3, model=None):
    if model is None:
        model = slow.network()
        model.compile(keras.optimizers.SGD(0.1, momentum=0.5), "mean_squared_error")
    model.fit(X, Y, epochs=epochs, batch_size=4, verbose=0, shuffle=False, callbacks=callbacks)
    return model


def assert_same(checkpoints, expected):
    assert len(checkpoints) == len(expected)
    for found, weights in zip(checkpoints, expected, strict=True):
        [np.testing.assert_array_equal(a, b) for a, b in zip(found, weights, strict=True)]


PER_EPOCH = -(-len(X) // 4)


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Returns a training's callbacks by name, its folders, its model and the weights at the end."""
    folders = [tmp_path_factory.mktemp(name) for name in ("all", "few")]
    few = ks.Trajectory(every_steps=1, max_checkpoints=3, folder=folders[1])
    written = ks.Trajectory(every_steps=2, folder=folders[0])
    callbacks = {"held": ks.Trajectory(every_steps=2), "written": written, "few": few, "seen": Seen()}
    model = train([*callbacks.values()])
    return callbacks, folders, model, [np.array(w) for w in model.get_weights()]


def test_start_steps_and_end_are_kept_and_training_is_the_same(followed):
    callbacks, folders, _, end = followed
    held, seen, last = callbacks["held"], callbacks["seen"], 3 * PER_EPOCH
    assert held.steps == sorted({*range(0, last + 1, 2), last})
    assert_same(held.checkpoints, [seen.weights[step] for step in held.steps])
    assert_same([held.checkpoints[-1], train([]).get_weights()], [end] * 2)
    read = ks.Trajectory.load(folders[0])
    assert read.steps == held.steps
    assert_same(read.checkpoints, held.checkpoints)


def test_epochs_and_a_fit_that_goes_on_or_begins_anew(followed):
    path, model = ks.Trajectory(), followed[2]
    model.optimizer.iterations.assign(0)
    train([path], epochs=2, model=model)
    train([path], epochs=1, model=model)
    assert path.steps == [0, PER_EPOCH, 2 * PER_EPOCH, 3 * PER_EPOCH]
    model.optimizer.iterations.assign(1)
    train([path], epochs=1, model=model)
    assert path.steps == [1, PER_EPOCH + 1]


def test_memory_and_folder_are_bounded(followed):
    callbacks, folders, *_ = followed
    few = callbacks["few"]
    assert len(few.steps) <= 3 and few.steps[0] == 0 and few.steps[-1] == 3 * PER_EPOCH
    assert len(list(folders[1].iterdir())) == len(few.checkpoints) == len(few.steps)


def test_what_does_not_fit_is_refused(followed, tmp_path):
    shutil.copytree(followed[1][1], tmp_path, dirs_exist_ok=True)
    with pytest.raises(ks.InputError, match="`folder` must hold no other checkpoints"):
        ks.Trajectory(folder=tmp_path)
    with pytest.raises(ks.InputError, match="`max_checkpoints` must be at least 2"):
        ks.Trajectory(max_checkpoints=1)
    with pytest.raises(ks.InputError, match="`folder` must hold the checkpoints"):
        ks.Trajectory.load(tmp_path / "none")
    first = min(tmp_path.iterdir())
    read = ks.Trajectory.load(tmp_path)
    first.write_bytes(first.read_bytes()[:-1])
    with pytest.raises(ks.InputError, match="damaged"):
        read.checkpoints  # noqa: B018
    first.unlink()
    with pytest.raises(ks.InputError, match="still there"):
        read.checkpoints  # noqa: B018
