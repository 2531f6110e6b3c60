import importlib
import importlib.util
import inspect

import pytest

from keras_sharpness import distribution
from keras_sharpness.distribution import abstract as contract
from keras_sharpness.distribution.replicated import Replicated
from keras_sharpness.distribution.split import SplitExamples
from keras_sharpness.distribution.threads import Threads

MODULES = [name for backend, name in distribution.MODULES.items() if importlib.util.find_spec(backend)]
CLASSES = {"strategy": "StrategyReplicas", "mesh": "MeshReplicas", "process_group": "GroupReplicas"}


def public(item):
    return {name for name in vars(item) if not name.startswith("_")}


def parameters(fn):
    return [(p.name, p.default) for p in inspect.signature(fn).parameters.values()]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_offers_the_names_of_the_contract_with_the_same_parameters(name):
    module = importlib.import_module(f"keras_sharpness.distribution.{name}")
    for attribute in public(contract.Devices):
        assert parameters(getattr(module, attribute)) == parameters(getattr(contract.Devices, attribute))[1:]
    replicas = getattr(module, CLASSES[name])
    assert public(replicas) == public(contract.Replicas)
    for attribute in public(contract.Replicas):
        assert parameters(getattr(replicas, attribute)) == parameters(getattr(contract.Replicas, attribute))


@pytest.mark.parametrize("distribution", [Threads, Replicated, SplitExamples])
def test_distributions_add_nothing_to_the_abstract_class(distribution):
    assert public(distribution) <= public(contract.AbstractDistribution) | {"shares"}
    assert not inspect.isabstract(distribution)


def test_of_chief_is_the_first_of_what_is_gathered():
    class Gathered(Threads):
        def gather(self, structure):
            return ["chief", structure]

    assert Gathered().of_chief("own") == "chief"
