"""Trains networks by SGD, SAM and adaptive SAM with equal numbers of gradients, and measures each of them.

    python scripts/sam_experiment.py fcnn        # the paper's; then gat, lenet, and resnet, a small residual network

writes a row for each method and seed into `runs/training/sam/SYSTEM.csv`; rows that are there are not computed again.
All methods of a seed start from the same weights. A step of SAM takes two gradients, so SGD trains for twice as many
epochs.

    python scripts/sam_experiment.py curve fcnn

trains by SGD from the same seeds again and writes the losses after each epoch into `runs/training/sam/curves`:
what SGD had reached at the training loss of another method.

    python scripts/sam_experiment.py statistics resnet

trains by SGD with SAM's number of steps and by SAM again, and writes the losses with the moving statistics of batch
normalization, and with those of all training examples, into `runs/training/sam/statistics`.

`python scripts/sam_experiment.py table` writes the paired differences from SGD into `runs/training/sam/table.md`, and
draws `differences.png`; it prints the differences under both statistics.
"""

import csv
import dataclasses
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import keras_sharpness as ks
from keras_sharpness.errors import require
from keras_sharpness.objective.graph import Graph
from keras_sharpness.reporting.drawing import POINT_COLOUR, TEXT_COLOUR
from keras_sharpness.statistics import paired_difference

FOLDER = Path(__file__).parents[1] / "runs" / "training" / "sam"
CURVES = FOLDER / "curves"
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
NOTE = """# SGD, SAM and adaptive SAM

Means over seeds, and the differences from SGD of the same seeds with Student's interval over seeds, which is not
corrected for the number of rows. Each method had the same number of gradients, but for `sgd_half`, which had the same
number of steps as SAM and half the gradients. `test_loss_over_curve` is the difference from SGD of the same seed in the
epoch in which it had the same training loss, interpolated between epochs; seeds in which SGD never had it are left out
(`seeds` in `table.csv`). Made by `python scripts/sam_experiment.py`.

"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class System:
    """Data, network and settings; those of the paper's Table I but for the number of epochs and FashionMNIST's size.

    Attributes:
        data: Name of the data set.
        network: Makes the network.
        loss: Its loss.
        rate: Learning rate.
        rho: Radius of the adaptive ball in which worst-case sharpness is measured.
        epochs: Epochs of SAM.
        seeds: How many.
        examples: Training examples; None: all.
        measured: Training examples that measures see; None: all.
        batches: Batches of 64 that they are means over.
    """

    data: str
    network: object
    loss: object
    rate: float
    rho: float
    epochs: int
    seeds: int
    examples: int | None = None
    measured: int | None = None
    batches: int = 10


SYSTEMS = {
    "fcnn": System(
        data="abalone", network=ks.models.fcnn, loss="mean_squared_error", rate=0.014, rho=0.025, epochs=10, seeds=20
    ),
    "gat": System(data="cora", network=ks.models.gat, loss=CROSS_ENTROPY, rate=0.236, rho=0.02, epochs=20, seeds=20),
    "lenet": System(
        data="fashion_mnist",
        network=ks.models.lenet5,
        loss=CROSS_ENTROPY,
        rate=0.05,
        rho=0.0001,
        epochs=10,
        seeds=5,
        examples=3200,
        measured=640,
    ),
    # Eight layers with weights, on a part of FashionMNIST.
    "resnet": System(
        data="fashion_mnist",
        network=partial(ks.models.resnet20, (28, 28, 1), blocks_per_stage=1),
        loss=CROSS_ENTROPY,
        rate=0.05,
        rho=0.001,
        epochs=10,
        seeds=20,
        examples=1000,
        measured=320,
        batches=3,
    ),
}
METHODS = {
    "sgd": None,
    # With the steps of the others, and so with half their gradients.
    "sgd_half": {},
    **{f"sam_{rho}": {"rho": rho} for rho in (0.02, 0.05, 0.1)},
    **{f"asam_{rho}": {"rho": rho, "adaptive": True, "eta": 0.01} for rho in (0.2, 0.5, 1.0)},
}


# Columns of the figure: titles and quantities.
COLUMNS = {
    "largest eigenvalue": "top_eigenvalue",
    "test loss": "test_loss",
    "test loss at equal\ntraining loss": "test_loss_over_curve",
}


class OnNodes(keras.Model):
    """A graph network as a model from indices of nodes to their logits."""

    def __init__(self, network, graph):
        """Holds the graph as tensors."""
        super().__init__()
        self.network, self.graph = network, {name: keras.ops.convert_to_tensor(a) for name, a in graph.inputs.items()}
        self.built = True

    def call(self, nodes, training=None):
        """Returns the logits of nodes, indices of shape (m, 1)."""
        return keras.ops.take(self.network(self.graph, training=training), keras.ops.reshape(nodes, (-1,)), axis=0)


def main(name: str) -> None:
    """Computes the rows of a system that are missing."""
    system, dataset, train = opened(name)
    path = FOLDER / f"{name}.csv"
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = set(map(tuple, pd.read_csv(path)[["method", "seed"]].values)) if path.exists() else set()
    trainers, sample = {}, None
    network, model = made(system, dataset)
    for seed in range(system.seeds):
        for method, options in METHODS.items():
            if (method, seed) in done:
                continue
            if method not in trainers:
                trainers[method] = ks.SAM(model, **options) if options else Plain(model)
            fit(trainers[method], system, dataset, train, seed, 2 if options is None else 1)
            if sample is None:
                sample = ks.Sample(network, *measured_data(system, dataset, train), num_batches=system.batches)
            found = scores(trainers[method], dataset, train) | measures(sample, system)
            row = {"method": method, "seed": seed} | found
            write(path, row)
            print(row, flush=True)


def curve(name: str) -> None:
    """Writes training and test loss of SGD at the start and after each epoch, from each seed."""
    system, dataset, train = opened(name)
    trainer, rows = Plain(made(system, dataset)[1]), []

    def note(epoch: int, logs: object = None) -> None:
        rows.append({"seed": seed, "epoch": epoch + 1} | scores(trainer, dataset, train))

    callback = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: note(-1), on_epoch_end=note)
    for seed in range(system.seeds):
        fit(trainer, system, dataset, train, seed, 2, [callback])
    CURVES.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(CURVES / f"{name}.csv", index=False)


def statistics(name: str) -> None:
    """Writes losses with the moving statistics of batch normalization and with those of all training examples."""
    system, dataset, train = opened(name)
    _, model = made(system, dataset)
    trainers, rows = {"sgd_half": Plain(model), "sam_0.1": ks.SAM(model, rho=0.1)}, []
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for seed in range(system.seeds):
        for method, trainer in trainers.items():
            fit(trainer, system, dataset, train, seed, 1)
            moving = scores(trainer, dataset, train)
            kept = [layer.momentum for layer in layers]
            for layer in layers:
                layer.momentum = 0.0
            model(inputs(dataset, train)[0], training=True)
            for layer, momentum in zip(layers, kept, strict=True):
                layer.momentum = momentum
            whole = {f"{key}_whole": value for key, value in scores(trainer, dataset, train).items()}
            rows.append({"method": method, "seed": seed} | moving | whole)
    (FOLDER / "statistics").mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(FOLDER / "statistics" / f"{name}.csv", index=False)


def opened(name):
    """Returns a system, its data, and the indices of the training examples."""
    system = SYSTEMS[name]
    dataset = ks.data.load(system.data)
    return system, dataset, dataset.train if system.examples is None else dataset.train[: system.examples]


def made(system, dataset):
    """Returns the network of a system, and the model that is trained."""
    network = system.network()
    return network, OnNodes(network, dataset.x) if isinstance(dataset.x, Graph) else network


class Plain(keras.Model):
    """The network as it is, in a model of its own, so that each method compiles its own step."""

    def __init__(self, model):
        """Wraps a built model."""
        super().__init__()
        self.model, self.built = model, True

    def call(self, inputs, training=None):
        """Returns the outputs of the model inside."""
        return self.model(inputs, training=training)


def fit(trainer, system, dataset, train, seed, factor, callbacks=()):
    """Trains from the weights of a seed.

    Args:
        trainer: The model around the network.
        system: Its settings.
        dataset: Its data.
        train: Indices of the training examples.
        seed: Seed of weights, shuffles and masks.
        factor: Multiplies the epochs.
        callbacks: Callbacks of the training.
    """
    start(trainer.model, seed)
    if not trainer.compiled:
        accuracy = [] if system.loss == "mean_squared_error" else ["accuracy"]
        trainer.compile(keras.optimizers.SGD(system.rate), system.loss, metrics=accuracy)
    x, y = inputs(dataset, train)
    keras.utils.set_random_seed(1000 + seed)
    trainer.fit(x, y, batch_size=64, epochs=system.epochs * factor, verbose=0, callbacks=[*callbacks])


def scores(trainer, dataset, train):
    """Returns losses and test error on all training and test examples."""
    options = {"batch_size": 640, "verbose": 0, "return_dict": True}
    train_scores = trainer.evaluate(*inputs(dataset, train), **options)
    test_scores = trainer.evaluate(*inputs(dataset, dataset.test), **options)
    losses = {"train_loss": train_scores["loss"], "test_loss": test_scores["loss"]}
    losses["gap"] = losses["test_loss"] - losses["train_loss"]
    return losses | {"test_error": 1 - test_scores.get("accuracy", np.nan)}


def start(model, seed):
    """Gives a model the weights of a seed: uniform after Glorot; constants as they begin."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        name, shape = variable.path.split("/")[-1], variable.shape
        if variable.trainable and len(shape) > 1:
            fans = np.prod(shape[:-1]) + np.prod(shape[:-2], initial=1) * shape[-1]
            variable.assign(rng.uniform(-1, 1, shape) * np.sqrt(6 / fans))
        elif name in ("gamma", "moving_variance"):
            variable.assign(np.ones(shape))
        else:
            variable.assign([seed, 0] if "seed" in variable.path else np.zeros(shape))


def inputs(dataset, indices):
    """Returns inputs and targets of some examples, as `fit` takes them."""
    y = dataset.y[indices]
    return (indices[:, None].astype("int32"), y) if isinstance(dataset.x, Graph) else (dataset.x[indices], y)


def measured_data(system, dataset, train):
    """Returns model data, targets and loss of a sample."""
    if isinstance(dataset.x, Graph):
        return dataset.x, dataset.y, system.loss
    part = train[: system.measured]
    return dataset.x[part], dataset.y[part], system.loss


def measures(sample, system):
    """Returns the sharpness measures of a network as it is now."""
    ascent = ks.PGA(num_steps=5, step_size="auto")
    vectors = ks.hessian.top_eigenvalues(sample, which="largest", tolerance=1e-2)
    return {
        "worst_case": ks.worst_case_sharpness(sample, rho=system.rho, maximizer=ascent).value,
        "worst_case_l2": ks.worst_case_sharpness(sample, rho=0.05, norm="l2", scaling="none", maximizer=ascent).value,
        "average_case": ks.average_case_sharpness(sample, rho=10 * system.rho).value,
        "top_eigenvalue": float(vectors.values[0]),
        "trace": ks.hessian.trace(sample, num_products=12).value,
        "gradient_norm": float(ks.gradient_norm(sample)),
        "fisher_rao": ks.fisher_rao_norm(sample).value,
    }


def write(path, row):
    """Appends a row, with a header where the file is new."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)


def table() -> None:
    """Writes the paired differences of each method from SGD, over the seeds that have both, into a table."""
    rows = [row for path in sorted(FOLDER.glob("*.csv")) if path.stem in SYSTEMS for row in differences(path)]
    frame = pd.DataFrame(rows)
    frame.to_csv(FOLDER / "table.csv", index=False)
    (FOLDER / "table.md").write_text(NOTE + "\n\n".join(map(section, frame.groupby("system", sort=False))) + "\n")
    figure(frame).savefig(FOLDER / "differences.png", dpi=150)
    for path in sorted((FOLDER / "statistics").glob("*.csv")):
        print(path.stem, *lag(path), sep="\n")


def lag(path):
    """Yields test losses of SAM less those of SGD with as many steps, with both statistics of batch normalization."""
    wide = pd.read_csv(path).set_index(["seed", "method"]).unstack("method")
    for column in ("test_loss", "test_loss_whole"):
        difference = named(paired_difference(wide[column]["sam_0.1"], wide[column]["sgd_half"]), "sgd_half")
        yield {"quantity": column, "sgd_half": wide[column]["sgd_half"].mean()} | difference


def differences(path):
    """Yields a row for each quantity and method of a system: the mean, and its differences from both kinds of SGD."""
    long = pd.read_csv(path)
    wide = long.set_index(["seed", "method"]).unstack("method")
    for column in wide.columns.levels[0]:
        both = wide[column].dropna()
        for method in [name for name in METHODS if name in both and len(both) > 1]:
            row = {"system": path.stem, "quantity": column, "method": method, "seeds": len(both)}
            row["mean"] = both[method].mean()
            for other in [name for name in ("sgd", "sgd_half") if name != method]:
                row |= named(paired_difference(both[method], both[other]), other)
            yield row
    if (CURVES / path.name).exists():
        yield from over_curve(path.stem, long)


def over_curve(name, rows):
    """Yields the difference of each method's test loss from that of SGD at the same training loss."""
    epochs = dict(list(pd.read_csv(CURVES / f"{name}.csv").groupby("seed")))
    for method in [method for method in METHODS if method != "sgd"]:
        of_method = rows[rows["method"] == method]
        there = np.array([test_loss_at(epochs[row.seed], row.train_loss) for row in of_method.itertuples()])
        known = np.isfinite(there)
        row = {"system": name, "quantity": "test_loss_over_curve", "method": method, "seeds": int(known.sum())}
        row["mean"] = of_method["test_loss"][known].mean()
        yield row | named(paired_difference(of_method["test_loss"][known], there[known]), "sgd")


def test_loss_at(epochs, train_loss):
    """Returns the test loss of SGD where its training loss first fell to a value, interpolated between two epochs.

    Returns:
        The loss; NaN if SGD never reached the value.

    Raises:
        InputError: If SGD began below it.
    """
    losses, values = epochs["train_loss"].to_numpy(), epochs["test_loss"].to_numpy()
    if losses.min() > train_loss:
        return np.nan
    after = int(np.argmax(losses <= train_loss))
    require(after > 0, "SGD must begin above the training loss", train_loss=train_loss)
    share = (losses[after - 1] - train_loss) / (losses[after - 1] - losses[after])
    return values[after - 1] + share * (values[after] - values[after - 1])


def named(found, other):
    """Returns a difference from a method and its interval as entries of a row."""
    return {f"from_{other}": found.difference, f"{other}_low": found.ci_low, f"{other}_high": found.ci_high}


def figure(frame):
    """Returns the differences from SGD in per cent of its mean, a row for each system."""
    systems = [name for name in SYSTEMS if name in set(frame["system"])]
    drawn = Figure(figsize=(9, 0.6 + 1.9 * len(systems)), layout="constrained")
    grid = drawn.subplots(len(systems), len(COLUMNS), squeeze=False, sharex="col", sharey=True)
    for name, row in zip(systems, grid, strict=True):
        found = frame[frame["system"] == name].set_index(["quantity", "method"])
        row[0].set_ylabel(f"{name}, {found['seeds'].iloc[0]} seeds")
        for axes, quantity in zip(row, COLUMNS.values(), strict=True):
            unit = found["mean"][quantity.removesuffix("_over_curve"), "sgd"] / 100
            draw(axes, found.loc[quantity][["from_sgd", "sgd_low", "sgd_high"]] / unit)
    for axes, title in zip(grid[0], COLUMNS, strict=True):
        axes.set_title(title)
    for axes in grid[-1]:
        axes.set_xlabel("minus sgd, % of sgd")
    return drawn


def draw(axes, rows):
    """Draws the differences of all methods from SGD with their intervals."""
    rows = rows.loc[[method for method in METHODS if method in rows.index and method != "sgd"]]
    center, low, high = (rows[column] for column in rows)
    axes.axvline(0, color=TEXT_COLOUR, linewidth=0.8)
    axes.errorbar(
        center, range(len(rows)), xerr=[center - low, high - center], fmt="o", color=POINT_COLOUR, markersize=4
    )
    axes.set_yticks(range(len(rows)), [method.replace("_", " ") for method in rows.index])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)


def section(group):
    """Returns the table of a system as Markdown."""
    name, frame = group
    columns = ["quantity", "method", "mean", "minus `sgd`", "minus `sgd_half`"]
    lines = [f"## {name}, {frame['seeds'].iloc[0]} seeds", "", f"| {' | '.join(columns)} |", "| --- " * 5 + "|"]
    for row in frame.to_dict("records"):
        cells = [row["quantity"], row["method"], f"{row['mean']:.4g}"]
        for other in ("sgd", "sgd_half"):
            low, high = row[f"{other}_low"], row[f"{other}_high"]
            cells.append("" if np.isnan(low) else f"{row[f'from_{other}']:.3g} ({low:.3g} to {high:.3g})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1] == "table":
        table()
    elif sys.argv[1] == "curve":
        curve(sys.argv[2])
    elif sys.argv[1] == "statistics":
        statistics(sys.argv[2])
    else:
        main(sys.argv[1])
