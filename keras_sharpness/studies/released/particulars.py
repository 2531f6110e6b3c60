"""Where the released code's procedure differs from the paper's text, system by system. Needs no backend."""

import dataclasses
from typing import Any

from keras_sharpness.studies.systems import SYSTEMS, Particular, System

PAPER_BATCHES = "5 steps on each of 50 batches drawn anew, and the loss of that batch"
# Settings of the paper's ascent, which the released ascents do not have.
ASCENT_SETTINGS = (
    *("norm", "scaling", "eta", "maximizer", "pga_steps", "direction", "coordinates", "num_restarts", "m"),
    "num_batches",
)
INITIALIZATION = Particular(
    name="initialization",
    released="uniform in +-1/sqrt(fan_in), biases too (PyTorch's default)",
    paper="Xavier, biases zero",
    schedule={"initialization": "glorot_uniform"},
)

LENET = (
    Particular(
        name="reference",
        released="ball around the weights after a first, unprojected step (their copy was an alias)",
        paper="ball around the trained weights",
    ),
    Particular(name="dropout", released="on during the ascent", paper="off"),
    Particular(
        name="batch_statistics",
        released="batch norm uses each ascent batch's statistics and updates the running ones",
        paper="the trained network's running statistics",
    ),
    Particular(
        name="ascent", released="5 epochs over all batches, and the loss of the training set", paper=PAPER_BATCHES
    ),
    Particular(
        name="averages",
        released="losses are means over batches of 64 of their means, the smaller last one counting as much",
        paper="means over examples",
        schedule={"reduction": "mean"},
    ),
    Particular(name="weight_decay", released="5e-3 on every parameter", paper="none", schedule={"weight_decay": 0.0}),
    Particular(
        name="mode",
        released="inference mode (no dropout, fixed batch statistics) from the second epoch on",
        paper="training mode",
        schedule={"training_mode_epochs": None},
    ),
    INITIALIZATION,
)

FCNN = (
    Particular(
        name="matching",
        released="ascended losses of another pool, trained and climbed at 0.014, minus the training losses of this one",
        paper="both losses of the same network",
    ),
    Particular(
        name="absolute_value",
        released="clipped to w0 +- rho w0: bounds of negative weights cross, which pins them at w0 (1 + rho)",
        paper="clipped to w0 +- rho |w0|",
    ),
    Particular(
        name="ascent", released="6 epochs of 53 steps on the whole training set, and its loss", paper=PAPER_BATCHES
    ),
    Particular(
        name="activation",
        released="ELU, on the output too",
        paper="ReLU, output linear",
        network={"activation": "elu", "output_activation": "elu"},
    ),
    INITIALIZATION,
    Particular(name="learning_rate", released="0.102", paper="0.014", schedule={"learning_rate": 0.014}),
    Particular(
        name="gradient",
        released="of the whole training set in every step",
        paper="of a mini-batch of 64",
        schedule={"gradient": "mini_batch"},
    ),
    Particular(
        name="stopping",
        released="sum of step losses falls by less than 5 %, or rises; at most 12 epochs",
        paper="mean loss changes by less than 5 %; at most 10 epochs",
        schedule={"stopping": "settled", "reduction": "mean", "max_epochs": 10},
    ),
    Particular(
        name="split",
        released="first row lost as a header, scikit-learn's split of seed 42, sexes in the last columns",
        paper="all 4177 rows, a random split",
    ),
)

GAT = (
    Particular(
        name="dropout",
        released="on in the ascent and in the losses that the sharpness is the difference of",
        paper="off",
    ),
    Particular(name="trials", released="5 ascents", paper="50 ascents"),
    Particular(
        name="draw",
        released="64 draws of nodes used as a set (repeats count once), drawn anew for each network",
        paper="64 draws, repeats count repeatedly, the same for all networks",
    ),
    Particular(
        name="baseline",
        released="one loss at the trained weights for all ascents; the largest is taken of the steps only",
        paper="a loss at the trained weights for each ascent, which counts among the largest",
    ),
    Particular(
        name="loss",
        released="the sum of the mean losses of three training batches after each step",
        paper="the loss of the batch that is climbed",
    ),
    Particular(
        name="stopping",
        released="sum of the three batch losses changes by less than 5 %, from epoch 11 on",
        paper="mean loss changes by less than 5 %, from epoch 10 on",
        schedule={"min_epochs": 10, "reduction": "mean"},
    ),
)


def _released(model: str, particulars: tuple[Particular, ...], schedule: dict[str, Any], **more: Any) -> System:
    system = SYSTEMS[model]
    training = dataclasses.replace(system.schedule, **schedule)
    return dataclasses.replace(system, schedule=training, particulars=particulars, **more)


RELEASED: dict[str, System] = {
    "fcnn": _released(
        "fcnn",
        FCNN,
        {
            "learning_rate": 0.102,
            "max_epochs": 12,
            "initialization": "torch_default",
            "gradient": "full",
            "reduction": "sum",
            "stopping": "not_falling",
        },
        other_pool={"learning_rate": 0.014},
    ),
    "lenet": _released(
        "lenet",
        LENET,
        {"weight_decay": 5e-3, "initialization": "torch_default", "training_mode_epochs": 1, "reduction": "sum"},
    ),
    "gat": _released(
        "gat",
        GAT,
        {"min_epochs": 11, "reduction": "sum"},
        # All that the measurement differs in: together they make the paper's.
        groups={"ascent": ("dropout", "trials", "draw", "baseline", "loss")},
    ),
}
