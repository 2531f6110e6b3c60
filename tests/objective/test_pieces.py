import keras
import pytest
from keras import ops

import keras_sharpness as ks
from keras_sharpness.errors import InputError
from tests.support.evaluating import (
    CLASSES,
    LABELS,
    NUMBERS,
    X,
    check_pieces,
    dense,
    name_of,
)


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.SparseCategoricalCrossentropy(reduction="sum"),
        keras.losses.SparseCategoricalCrossentropy(ignore_class=1),
        "sparse_categorical_crossentropy",
    ],
    ids=name_of,
)
def test_pieces_of_a_batch_add_up(loss):
    model = dense(CLASSES, "softmax")
    model.compile(loss=loss, run_eagerly=True)
    check_pieces(model, X, LABELS)


def test_a_loss_that_no_pieces_add_up_to_is_refused():
    model = dense(1, "sigmoid")
    with pytest.raises(InputError, match="`batch_size` must be left out for a loss that is neither a mean nor a sum"):
        ks.gradient_norm(model, X, NUMBERS, lambda y, p: ops.sqrt(ops.sum(ops.square(y - p))), batch_size=2)
