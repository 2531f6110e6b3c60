import keras
import numpy as np
import pytest

import keras_sharpness as ks
from tests.support.evaluating import (
    CLASSES,
    LABELS,
    STEPS,
    TOKENS,
    N,
    X,
    dense,
    tagger,
)


def test_error_rates_leave_out_what_is_masked_or_ignored():
    model, y = tagger(), np.random.default_rng(1).integers(0, CLASSES, (N, STEPS))
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=2)
    model.compile(loss=loss, run_eagerly=True)
    wrong = model.predict(TOKENS, verbose=0).argmax(-1) != y
    counts = (TOKENS > 0) & (y != 2)
    for size in (None, 4):
        r = ks.worst_case_sharpness(model, TOKENS, y, batches=[np.arange(N)], batch_size=size)
        assert r.errors[0, 0] == pytest.approx(wrong[counts].mean(), rel=1e-5)


def test_error_rates_heed_sample_weights_as_weighted_metrics_do():
    model, weights = dense(CLASSES, "softmax"), np.arange(N, dtype="float32")
    model.compile(loss="sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    logs = model.evaluate(X, LABELS, sample_weight=weights, batch_size=N, verbose=0, return_dict=True)
    for size in (None, 4):
        r = ks.worst_case_sharpness(model, X, LABELS, sample_weight=weights, batches=[np.arange(N)], batch_size=size)
        assert r.errors[0, 0] == pytest.approx(1 - logs["accuracy"], abs=1e-5)
