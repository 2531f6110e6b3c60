import numpy as np
import pytest
from keras import ops

from keras_sharpness import backend
from keras_sharpness.execution.averaging import Averaging

VALUES = np.random.default_rng(0).normal(size=20).astype("float32")
EXAMPLES = np.random.default_rng(1).integers(0, 20, (3, 7)).astype("int32")


def piece_means(piece):
    values = ops.take(ops.convert_to_tensor(VALUES), piece, axis=0)
    return {"mean": ops.mean(values, axis=1), "square": [ops.mean(values**2, axis=1)]}


@pytest.mark.parametrize("batch_size", [None, 1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize("scan", [backend.scan, backend.unrolled])
def test_pieces_have_the_mean_of_the_whole(batch_size, scan):
    averaging = Averaging(7, batch_size, scan, shares=1, mean=lambda structure: structure)
    run = backend.compile(lambda examples: averaging({"examples": examples}, piece_means))
    found = run(ops.convert_to_tensor(EXAMPLES))
    np.testing.assert_allclose(ops.convert_to_numpy(found["mean"]), VALUES[EXAMPLES].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found["square"][0]), (VALUES[EXAMPLES] ** 2).mean(axis=1), rtol=1e-5
    )


def test_no_piece_is_larger_than_asked_for():
    averaging = Averaging(7, 3, backend.unrolled, shares=1, mean=lambda structure: structure)
    sizes = []
    averaging({"examples": ops.convert_to_tensor(EXAMPLES)}, lambda p: sizes.append(p.shape[1]) or piece_means(p))
    assert sizes == averaging.piece_sizes == [3, 3, 1]


@pytest.mark.parametrize("shares", [2, 3])
def test_parts_of_devices_and_their_remainder_have_the_mean_of_the_whole(shares):
    part = 7 // shares
    cut = EXAMPLES[:, : part * shares]
    others = [piece_means(ops.convert_to_tensor(cut[:, k * part : (k + 1) * part])) for k in range(shares)]
    rest = piece_means(ops.convert_to_tensor(EXAMPLES[:, part * shares :]))
    received = []

    def mean_over_devices(own):
        received.append(own["mean"])
        weights = [(part * shares * other["mean"] + (7 - part * shares) * rest["mean"]) / 7 for other in others]
        return {"mean": sum(weights) / shares, "square": own["square"]}

    averaging = Averaging(7, None, backend.unrolled, shares, mean_over_devices)
    block = {"examples": cut[:, :part], "remainder": EXAMPLES[:, part * shares :]}
    found = averaging({name: ops.convert_to_tensor(a) for name, a in block.items()}, piece_means)
    np.testing.assert_allclose(ops.convert_to_numpy(found["mean"]), VALUES[EXAMPLES].mean(axis=1), rtol=1e-5)
    # What this device hands on counts the remainder as much as its share of the batch.
    expected = (part * shares * others[0]["mean"] + (7 - part * shares) * rest["mean"]) / 7
    np.testing.assert_allclose(ops.convert_to_numpy(received[0]), ops.convert_to_numpy(expected), rtol=1e-5)
