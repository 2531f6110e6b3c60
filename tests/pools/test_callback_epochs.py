import keras
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.pools.callback_epochs import CallbackEpochs

EARLY = keras.callbacks.EarlyStopping(monitor="loss", patience=2)


def test_stops_where_fit_would_whatever_other_members_did():
    epochs = CallbackEpochs(callbacks=(EARLY,), stopping="at_loss", max_epochs=10)
    losses = [3.0, 2.0, 2.5, 2.1, 1.0]
    assert [epochs.is_over(losses[:k]) for k in range(5)] == [False, False, False, False, True]
    # Another member's losses leave nothing behind.
    assert not epochs.is_over([1.0]) and not epochs.is_over([5.0, 4.0, 3.0])
    assert epochs.is_over([1.0] * 10) and not hasattr(EARLY, "wait") or EARLY.wait == 0


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (keras.callbacks.EarlyStopping(), "EarlyStopping must have monitor='loss'"),
        (keras.callbacks.EarlyStopping(monitor="loss", restore_best_weights=True), "must not restore weights"),
        (keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0), "must need nothing but the loss"),
        (lambda: None, "must be Keras's"),
    ],
)
def test_refuses_what_looks_at_more_than_the_loss(callback, message):
    with pytest.raises(InputError, match=message):
        CallbackEpochs(callbacks=(callback,), max_epochs=5)
