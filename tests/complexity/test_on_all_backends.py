"""Every measure says the same on all backends."""

import importlib.util
import json

import pytest

BACKENDS = [backend for backend in ("tensorflow", "jax", "torch") if importlib.util.find_spec(backend)]


def test_values_are_equal(run_python):
    found = []
    for backend in BACKENDS:
        process = run_python("-m", "tests.support.complexity_measured", KERAS_BACKEND=backend)
        assert process.returncode == 0, process.stderr[-3000:]
        found.append(json.loads(process.stdout))
    for other in found[1:]:
        for kind, values in found[0].items():
            assert len(values) > 30
            for name, value in values.items():
                # The radius of a crossing depends on errors, which single examples change.
                tolerance = 0.02 if name.startswith(("pacbayes", "sharpness")) else 1e-3
                assert other[kind][name] == pytest.approx(value, rel=tolerance, abs=1e-6), (kind, name)
