"""The tree of the tests is that of the package, and its names lead to one file each."""

import ast
import collections
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "keras_sharpness"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))
TEST_MODULES = sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
# One module a backend in each folder that has them.
BACKENDS = {"jax.py", "tensorflow.py", "torch.py"}


def mirror(module: Path) -> Path:
    return module.with_name(f"test_{module.name}")


def imported_by(path: Path) -> set[str]:
    """Returns the names of the modules and of what is taken from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def test_every_module_has_its_test():
    missing = {str(module) for module in MODULES if not (TESTS / mirror(module)).is_file()}
    assert not missing


def test_no_two_modules_share_a_file_name():
    counts = collections.Counter(module.name for module in MODULES if module.name not in BACKENDS)
    assert not {name for name, count in counts.items() if count > 1}


@pytest.mark.parametrize("module", TEST_MODULES, ids=str)
def test_a_test_module_imports_no_other(module):
    names = imported_by(TESTS / module)
    assert not [name for name in names if name.rpartition(".")[2].startswith("test_")]
    # Where a module of the tests lies is said in full.
    assert not names & {path.stem for path in TESTS.rglob("*.py")} - {"conftest"}
