"""Each list of names equals that of the module that implements them."""

import subprocess
import sys
from pathlib import Path

import keras
import pytest

from keras_sharpness import typing
from keras_sharpness.cli.measure import MEASURES
from keras_sharpness.execution.plan import PLANS
from keras_sharpness.maximizers import registry
from keras_sharpness.maximizers.pga import COORDINATES, DIRECTIONS
from keras_sharpness.measures import average_case, curvature_products, hessian, landscape
from keras_sharpness.objective.selection import select
from keras_sharpness.perturbations.norms import NORMS
from keras_sharpness.perturbations.scaling import SCALINGS
from keras_sharpness.statistics import conditional
from keras_sharpness.studies.config import PROTOCOLS, SYSTEMS, make_config
from keras_sharpness.studies.released import ablation


@pytest.mark.parametrize(
    ("names", "home"),
    [
        (typing.NormName, NORMS),
        (typing.ScalingName, SCALINGS),
        (typing.MaximizerName, registry.NAMES),
        (typing.DirectionName, DIRECTIONS),
        (typing.CoordinatesName, COORDINATES),
        (typing.NoiseName, average_case.KINDS),
        (typing.PlanName, PLANS),
        (typing.MeasureName, MEASURES),
        (typing.CurvatureName, curvature_products.PRODUCTS),
        (typing.DerivativesName, curvature_products.DERIVATIVES),
        (typing.EigenvalueName, hessian.WHICH),
        (typing.TraceMethodName, hessian.METHODS),
        (typing.LandscapeDirectionName, landscape.DIRECTIONS),
        (typing.ConditionalMethodName, conditional.METHODS),
        (typing.ModelName, SYSTEMS),
        (typing.ProtocolName, PROTOCOLS),
        (typing.OrderName, ablation.ORDERS),
    ],
    ids=lambda value: str(value) if not isinstance(value, (dict, tuple)) else "",
)
def test_names_are_those_of_their_home(names, home):
    assert typing.choices(names) == tuple(home)


def test_each_backend_has_its_module():
    found = {path.stem for path in Path(typing.__file__).with_name("backend").glob("*.py")}
    assert set(typing.choices(typing.BackendName)) <= found


def test_each_named_selection_is_known_whatever_the_layers_are_called():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert all(any(select(model, name)) for name in typing.choices(typing.SelectionName))


@pytest.mark.parametrize("name", typing.choices(typing.ProtocolName))
def test_each_protocol_has_settings(name):
    assert make_config(name).protocol == name


def test_names_need_no_backend():
    code = "import sys, keras_sharpness.typing; print({'keras', 'numpy'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"
