"""The yardstick: the same studies as a competent user would write them in PyTorch, one model and one batch at a time.

Same data, layers, schedule, stopping rule and number of ascent steps as the package's; eager, default threads. Run as
`python benchmarks/plain_pytorch.py fcnn 5 10` (network, models, epochs at most) it prints seconds as JSON.
"""

import dataclasses
import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from keras_sharpness import data
from keras_sharpness.pools.schedule import Schedule
from keras_sharpness.studies.config import SYSTEMS

NUM_BATCHES, NUM_STEPS, M = 50, 5, 64


class GraphAttention(nn.Module):
    """One head of graph attention over a fixed list of edges, with self-loops."""

    def __init__(self, inputs: int, outputs: int, edges: torch.Tensor, num_nodes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.sender = nn.Parameter(torch.empty(1, outputs))
        self.receiver = nn.Parameter(torch.empty(1, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        loops = torch.arange(num_nodes)
        self.edges = torch.cat([edges, torch.stack([loops, loops])], dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        senders, receivers = self.edges
        hidden = self.linear(x)
        scores = (hidden * self.sender).sum(1)[senders] + (hidden * self.receiver).sum(1)[receivers]
        scores = nn.functional.leaky_relu(scores, 0.2)
        highest = torch.full((len(x),), -torch.inf).scatter_reduce(0, receivers, scores.detach(), "amax")
        weights = torch.exp(scores - highest[receivers])
        total = torch.zeros(len(x)).index_add(0, receivers, weights)
        alpha = nn.functional.dropout(weights / total[receivers], 0.6, self.training)
        messages = alpha[:, None] * hidden[senders]
        return torch.zeros(len(x), hidden.shape[1]).index_add(0, receivers, messages) + self.bias


class GraphNetwork(nn.Module):
    """The two layers of `models.gat`."""

    def __init__(self, features: int, edges: torch.Tensor, num_nodes: int) -> None:
        super().__init__()
        self.first = GraphAttention(features, 8, edges, num_nodes)
        self.second = GraphAttention(8, 7, edges, num_nodes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = nn.functional.elu(self.first(x))
        return self.second(nn.functional.dropout(hidden, 0.6, self.training))


class Problem:
    """One of the three systems: how to build its network, and the loss of a batch of examples."""

    def __init__(self, name: str, max_epochs: int) -> None:
        system = SYSTEMS[name]
        self.name, self.rho = name, system.rho
        self.schedule = dataclasses.replace(system.schedule, max_epochs=max_epochs)
        self.dataset = data.load(system.dataset)
        x = self.dataset.x.features if name == "gat" else self.dataset.x
        # PyTorch's convolutions take channels first.
        self.x = torch.tensor(np.moveaxis(x, -1, 1) if name == "lenet" else x)
        self.y = torch.tensor(self.dataset.y, dtype=torch.long if system.classification else torch.float32)
        self.criterion = nn.CrossEntropyLoss() if system.classification else nn.MSELoss()
        self.train = torch.tensor(self.dataset.train)

    def network(self) -> nn.Module:
        if self.name == "gat":
            edges = torch.tensor(self.dataset.x.edges, dtype=torch.long)
            network = GraphNetwork(self.x.shape[1], edges, len(self.x))
        else:
            network = nn.Sequential(*(_lenet5() if self.name == "lenet" else _fcnn()))
        for parameter in network.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        return network

    def loss(self, network: nn.Module, indices: torch.Tensor) -> torch.Tensor:
        outputs = network(self.x)[indices] if self.name == "gat" else network(self.x[indices])
        return self.criterion(outputs, self.y[indices])


def _fcnn() -> list[nn.Module]:
    return [nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)]


def _lenet5() -> list[nn.Module]:
    convolutions = [nn.Conv2d(1, 12, 5), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2)]
    convolutions += [nn.Conv2d(12, 32, 5), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    hidden = [nn.Linear(512, 256), nn.Dropout(), nn.ReLU(), nn.Linear(256, 128), nn.Dropout(), nn.ReLU()]
    return [*convolutions, *hidden, nn.Linear(128, 10)]


def train(problem: Problem, network: nn.Module, schedule: Schedule) -> list[float]:
    """Trains by SGD until the stopping rule acts; returns the mean loss of each epoch."""
    optimizer = torch.optim.SGD(network.parameters(), lr=schedule.learning_rate)
    epoch_losses: list[float] = []
    network.train()
    while not schedule.is_over(epoch_losses):
        total = 0.0
        for batch in problem.train[torch.randperm(len(problem.train))].split(schedule.batch_size):
            optimizer.zero_grad()
            loss = problem.loss(network, batch)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        epoch_losses.append(total / len(problem.train))
    return epoch_losses


def sharpness(problem: Problem, network: nn.Module, num_batches: int = NUM_BATCHES) -> float:
    """Measures adaptive worst-case sharpness by projected gradient ascent."""
    network.eval()
    parameters = list(network.parameters())
    start = [p.detach().clone() for p in parameters]
    rises = []
    for _ in range(num_batches):
        batch = problem.train[torch.randint(len(problem.train), (M,))]
        losses = []
        for _ in range(NUM_STEPS):
            loss = problem.loss(network, batch)
            losses.append(loss.item())
            for p, w, g in zip(parameters, start, torch.autograd.grad(loss, parameters), strict=True):
                radius = problem.rho * w.abs()
                p.data = torch.clamp(p.data + problem.schedule.learning_rate * g, w - radius, w + radius)
        with torch.no_grad():
            losses.append(problem.loss(network, batch).item())
        rises.append(max(losses) - losses[0])
        for p, w in zip(parameters, start, strict=True):
            p.data = w.clone()
    return float(np.mean(rises))


def main(name: str, num_models: int, max_epochs: int) -> None:
    """Times training and sharpness; a few steps beforehand warm up."""
    problem = Problem(name, max_epochs)
    network = problem.network()
    for batch in problem.train[:640].split(64):
        problem.loss(network, batch).backward()
    times = {"training": 0.0, "sharpness": 0.0, "epochs": 0}
    for _ in range(num_models):
        network = problem.network()
        begin = time.perf_counter()
        times["epochs"] += len(train(problem, network, problem.schedule))
        middle = time.perf_counter()
        sharpness(problem, network)
        times["training"] += middle - begin
        times["sharpness"] += time.perf_counter() - middle
    print(json.dumps(times | _operations(problem, network) | {"peak": _peak()}))


def _operations(problem: Problem, network: nn.Module) -> dict[str, float]:
    """Returns the floating-point operations of an epoch of training and of one model's sharpness.

    Those of matrix products and convolutions, counted by PyTorch.
    """
    batch = problem.train[torch.arange(M) % len(problem.train)]
    with FlopCounterMode(display=False) as forward:
        loss = problem.loss(network, batch)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    gradient = forward.get_total_flops() + backward.get_total_flops()
    steps = math.ceil(len(problem.train) / problem.schedule.batch_size)
    ascent = NUM_BATCHES * (NUM_STEPS * gradient + forward.get_total_flops())
    return {"operations_training": gradient * steps, "operations_sharpness": ascent}


def _peak(size: int = 2048, repeats: int = 10) -> float:
    """Returns the floating-point operations a second of a large matrix product on all cores."""
    a, b = torch.rand(2, size, size)
    a @ b
    begin = time.perf_counter()
    for _ in range(repeats):
        a @ b
    return repeats * 2 * size**3 / (time.perf_counter() - begin)


if __name__ == "__main__":
    torch.manual_seed(0)
    main(sys.argv[1], *map(int, sys.argv[2:]))
