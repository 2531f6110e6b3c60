"""Models of KerasHub with random weights: every backend, in a process of its own, gives the same numbers.

They are as small as they go. The language model's padding has no weight, which is KerasHub's way to mask its loss.
"""

import pytest

from tests.support import measuring

pytest.importorskip("keras_hub")

NAMES = ("bert", "gpt2", "vit")

PROGRAM = """
import sys
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
calls = {
    "bert": (bert, words | {"segment_ids": tokens * 0}, labels),
    "gpt2": (gpt2, words, np.roll(tokens, -1, axis=1), mask),
    "vit": (vit, rng.normal(size=(8, 16, 16, 3)).astype("float32"), labels),
}
results = {}
for name, arguments in calls.items():
    found = measuring.measures(*arguments)
    results |= {f"{name}/{quantity}": value for quantity, value in found.items()}
np.savez(sys.argv[1], **results)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory, run_python):
    return measuring.in_each_backend(PROGRAM, tmp_path_factory.mktemp("backends"), run_python)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_agree(results, name):
    measuring.assert_agree(results, name)
