import numpy as np
import pytest

from keras_sharpness.data import Table
from keras_sharpness.errors import InputError


def table(task, rows=200):
    rng = np.random.default_rng(0)
    # The first feature numbers the rows; the second is constant.
    x = np.stack([np.arange(rows), np.full(rows, 7.3), 1e3 + rng.normal(size=rows)], axis=1).astype(np.float32)
    y = rng.normal(5, 3, size=(rows, 1)).astype(np.float32)
    if task == "classification":
        y = np.repeat([0, 1, 2], [rows // 2, rows * 2 // 5, rows // 10])
    num_classes = 3 if task == "classification" else 0
    return Table(name="t", x=x, y=y, task=task, num_classes=num_classes, source="", licence="")


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_split_is_standardized_disjoint_and_the_same_for_the_same_seed(task):
    whole = table(task)
    (x, y), (x_test, y_test) = whole.split(3, 120, 60)
    assert (x.shape, x_test.shape, x.dtype, y.dtype) == ((120, 3), (60, 3), np.float32, whole.y.dtype)
    np.testing.assert_allclose(x[:, [0, 2]].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(x[:, [0, 2]].std(axis=0, ddof=1), 1, rtol=1e-4)
    assert not x[:, 1].any() and not x_test[:, 1].any()
    again = whole.split(3, 120, 60)
    assert all(
        np.array_equal(one, two) for one, two in zip((x, y, x_test, y_test), (*again[0], *again[1]), strict=True)
    )
    other = whole.split(4, 120, 60)
    assert not np.array_equal(other[0][0], x)
    # The third feature tells the rows apart.
    assert not set(x[:, 2].tolist()) & set(x_test[:, 2].tolist()) and len(np.unique(x[:, 2])) == 120
    if task == "regression":
        assert abs(y.mean()) < 1e-5 and abs(y.std(ddof=1) - 1) < 1e-5 and abs(y_test.mean()) > 1e-5


def test_a_feature_that_is_constant_in_training_is_left_out_of_both_parts():
    trained = 0
    for row in range(200):
        whole = table("regression")
        whole.x[row, 1] = 8
        (x, _), (x_test, _) = whole.split(3, 120, 60)
        trained += x[:, 1].any()
        # Where the one row that differs is for testing, its value is not divided by next to nothing.
        assert x[:, 1].any() or not x_test[:, 1].any()
    assert trained == 120


@pytest.mark.parametrize(("num_train", "num_test"), [(120, 60), (60, 40), (190, 10)])
def test_classes_keep_their_shares(num_train, num_test):
    (_, y), (_, y_test) = table("classification").split(0, num_train, num_test)
    for part in (y, y_test):
        assert np.abs(np.bincount(part, minlength=3) - len(part) * np.array([0.5, 0.4, 0.1])).max() <= 2


def test_the_rows_drawn_are_the_same_on_every_machine():
    assert table("classification", 20).take(0, 8).x[:, 0].tolist() == [2, 3, 4, 6, 11, 13, 16, 19]
    (_, y), (_, y_test) = table("classification", 20).split(0, 8, 4)
    assert (y.tolist(), y_test.tolist()) == ([1, 0, 1, 0, 0, 1, 2, 0], [0, 2, 0, 1])


def test_some_rows_are_taken_with_the_shares_of_their_classes():
    whole = table("classification")
    part = whole.take(0, 100)
    assert np.bincount(part.y).tolist() == [50, 40, 10]
    assert (np.diff(part.x[:, 0]) > 0).all() and np.array_equal(part.y, whole.y[part.x[:, 0].astype(int)])
    assert whole.take(0, 200) is whole
    assert not np.array_equal(whole.take(1, 100).x, part.x)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((0, 150, 51), "`num_train + num_test` must be at most 200. Received: sum=201"),
        ((0, 1, 5), "`num_train` must be at least 2"),
        ((0, 0, 5), "`num_train` must be at least 1"),
        ((-1, 5, 5), "`seed` must be an integer"),
    ],
)
def test_impossible_splits_are_refused(arguments, line):
    with pytest.raises(InputError) as caught:
        table("regression").split(*arguments)
    assert str(caught.value).startswith(line)
