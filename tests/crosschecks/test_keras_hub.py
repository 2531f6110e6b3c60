"""Models of KerasHub with random weights: every backend, in a process of its own, gives the same numbers.

They are as small as they go. The language model's padding has no weight, which is KerasHub's way to mask its loss.
"""

import pytest

from tests.support import measuring
from tests.support.measuring import results_of_program  # noqa: F401  (a fixture)

pytest.importorskip("keras_hub")

NAMES = ("bert", "gpt2", "vit")

PROGRAM = """
import keras_hub, numpy as np
from tests.support import measuring

rng = np.random.default_rng(0)
tokens, labels = rng.integers(1, 30, (8, 6)).astype("int32"), rng.integers(0, 3, 8)
mask = (np.arange(6) < rng.integers(3, 7, (8, 1))).astype("int32")
small = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8}
text = {"vocabulary_size": 30, "max_sequence_length": 6, "intermediate_dim": 16, **small}
hub = keras_hub.models

bert = hub.BertTextClassifier(hub.BertBackbone(**text), num_classes=3)
gpt2 = hub.GPT2CausalLM(hub.GPT2Backbone(**text))
vit = hub.ViTImageClassifier(hub.ViTBackbone((16, 16, 3), patch_size=8, mlp_dim=16, **small), num_classes=3)
words = {"token_ids": tokens, "padding_mask": mask}
measuring.measure_all({
    "bert": (bert, words | {"segment_ids": tokens * 0}, labels),
    "gpt2": (gpt2, words, np.roll(tokens, -1, axis=1), mask),
    "vit": (vit, rng.normal(size=(8, 16, 16, 3)).astype("float32"), labels),
})
"""


@pytest.mark.parametrize("name", NAMES)
def test_numbers_agree(results, name):
    measuring.assert_agree(results, name)
