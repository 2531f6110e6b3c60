import ast
from pathlib import Path

import keras_sharpness as ks


def test_dir_lists_what_the_package_offers_and_nothing_else():
    shown = {name for name in dir(ks) if not name.startswith("_")}
    assert shown == set(ks.__all__) - {"__version__"}
    assert all(hasattr(ks, name) for name in dir(ks))


def test_editors_see_the_same_names():
    tree = ast.parse(Path(ks.__file__).read_text())
    (typed,) = [node for node in tree.body if isinstance(node, ast.If)]
    assert {alias.asname for node in typed.body for alias in node.names} == set(ks.__all__) - {"__version__"}
