import keras
import pytest

if keras.config.backend() != "torch":
    pytest.skip("particulars of PyTorch", allow_module_level=True)

import numpy as np
import torch
from keras import ops

from keras_sharpness import backend


def test_compiled_functions_record_no_graph():
    weight = torch.ones(2, requires_grad=True)
    assert not backend.compile(lambda x: x * weight)(torch.ones(2)).requires_grad


def test_repeatable_draws_the_same_and_leaves_the_generator():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    draws = []
    for _ in range(2):
        with backend.repeatable():
            draws.append(torch.rand(2))
    assert torch.equal(*draws)
    assert torch.equal(torch.rand(2), expected)


def test_a_sparse_product_can_be_differentiated_twice():
    matrix = np.asarray([[1, 0, 2], [0, 0, 3]], "float32")
    product = backend.sparse_product(matrix)
    direction = ops.convert_to_tensor([[1.0], [0.0], [0.0]])
    (hessian_column,) = backend.hvp(lambda w: ops.sum(product(w[0]) ** 2))([ops.ones((3, 1))], [direction])
    np.testing.assert_allclose(ops.convert_to_numpy(hessian_column), 2 * matrix.T @ matrix[:, :1])
