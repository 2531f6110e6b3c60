"""The rows of the atlas."""

import numpy as np
import pytest

from keras_sharpness.errors import InputError
from keras_sharpness.studies.atlas import rows as atlas_rows
from keras_sharpness.studies.atlas.rows import Row, examples_of, rows

CLASSES = np.zeros(20, np.int64)


def test_each_data_set_has_a_row_and_three_have_another_network():
    names = [row.name for row in rows()]
    assert len(names) == len(set(names)) > 40
    assert {"digits", "mnist1d-mixer", "fashion_mnist-convolution", "cora-attention"} <= set(names)


def test_an_unknown_row_is_refused():
    with pytest.raises(InputError, match="of the atlas"):
        rows(["no_such"])


@pytest.mark.parametrize(("network", "shape"), [("dense", (7,)), ("mixer", (40, 1, 1)), ("convolution", (28, 28, 1))])
def test_every_setting_of_a_network_builds(network, shape):
    part = np.zeros((20, *shape), "float32"), CLASSES
    build, space = atlas_rows._examples(network, part, part, 3).build, Row("any", network).space
    sizes = set()
    for width in space["width"]:
        for depth in space["depth"]:
            model = build(width=width, depth=depth)
            assert model.output_shape == (None, 3)
            sizes.add(model.count_params())
    assert len(sizes) == 4


def test_the_graph_of_cora_has_a_network_of_its_own():
    examples = examples_of(Row("cora", "attention"), 0)
    assert examples.build(width=4, dropout=0.2).output_shape[-1] == 7
    assert len(examples.train[2]) < len(examples.test[2])
