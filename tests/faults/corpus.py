"""Bad inputs: each has a name, the words that its refusal must hold, and a function of a folder that brings it about.

The functions call what the command line calls, in this process; files are made in the folder.
"""

import functools
import io
import json
import os
import pickle
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np

import keras_sharpness as ks
from keras_sharpness import data
from keras_sharpness.cli.user_files import load_data, load_model
from keras_sharpness.data import idx, planetoid
from keras_sharpness.files.checksum import save_arrays
from keras_sharpness.models import fcnn
from keras_sharpness.pools.member import Member
from keras_sharpness.pools.store import PoolStore, load_member
from keras_sharpness.reporting.report import write_report
from tests.cli.in_process import command_line
from tests.reporting.fake_run import CONFIG, make_models, make_summary

CASES = {}
X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = (np.arange(40) % 2).astype("int32")
GRAPH = {"features": X, "edges": np.array([[0, 1], [1, 0]]), "y": Y}


@functools.cache
def model():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)])
    network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return network


def add(group, cases):
    for name, (words, call) in cases.items():
        CASES[f"{group}: {name}"] = (words, call)


# Archives.


def flip(content, place):
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


def with_member(content, name, text=b"", **claims):
    """Adds a member to an archive; the archive's directory says of it what `claims` say."""
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, text)
        for attribute, value in claims.items():
            setattr(archive.filelist[-1], attribute, value)
    return buffer.getvalue()


def deflated_zeros(mebibytes):
    """A deflate stream of many zeros, cheaply: blocks that stand by themselves can be repeated."""
    compressor = zlib.compressobj(wbits=-15)
    block = compressor.compress(bytes(2**20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return block * mebibytes + zlib.compressobj(wbits=-15).flush()


def wrong_sum(content):
    return flip(content, content.index(b"PK\x01\x02") + 16)


def inflating(content):
    return with_member(content, "bomb.npy", deflated_zeros(2048), compress_type=8, file_size=2**31)


def claiming(content):
    return with_member(content, "bomb.npy", b"0", file_size=2**40)


def twice(content):
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive:
        # The library itself only warns, and takes the last.
        archive.filelist.append(archive.filelist[0])
        archive._didModify = True
    return buffer.getvalue()


TRICKS = {
    "truncated": ("be a whole zip archive", lambda content: content[: len(content) // 2]),
    "empty": ("be a whole zip archive", lambda content: b""),
    "text": ("be a whole zip archive", lambda content: b"x,y\n1,2\n"),
    "a bomb that inflates": ("unpack to 1 GiB or 100 times its size at most", inflating),
    "a bomb that claims": ("unpack to 1 GiB or 100 times its size at most", claiming),
    "a path upwards": ("hold paths inside its own folder", lambda content: with_member(content, "../evil.npy")),
    "an absolute path": ("hold paths inside its own folder", lambda content: with_member(content, "/tmp/evil.npy")),
    "a path of Windows": ("hold paths inside its own folder", lambda content: with_member(content, "C:\\evil.npy")),
    "a member twice": ("hold every path once", twice),
    "a method that grows": (
        "hold members that are stored or deflated",
        lambda content: with_member(content, "a.npy", compress_type=12),
    ),
}


# Data files of `measure`.


def arrays(**changes):
    buffer = io.BytesIO()
    np.savez(buffer, **({"x": X, "y": Y} | changes))
    return buffer.getvalue()


def measured(folder, content):
    (folder / "data.npz").write_bytes(content)
    x, y = load_data(str(folder / "data.npz"))
    return ks.gradient_norm(model(), x, y)


def data_case(words, **changes):
    return words, lambda folder: measured(folder, arrays(**changes))


def graph_case(words, **changes):
    def call(folder):
        np.savez(folder / "data.npz", **(GRAPH | changes))
        return load_data(str(folder / "data.npz"))

    return words, call


def bad(array, value, dtype=None):
    array = array.astype(dtype or array.dtype)
    array.flat[4] = value
    return array


def lying_header():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def long_header():
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 60000) + b" " * 60000


add(
    "data", {k: (f"`data` must {w}", lambda folder, c=c: measured(folder, c(arrays()))) for k, (w, c) in TRICKS.items()}
)
add(
    "data",
    {
        "a flipped byte": ("whole file of plain arrays", lambda folder: measured(folder, flip(arrays(), 200))),
        "a flipped byte in the directory": ("plain arrays", lambda folder: measured(folder, wrong_sum(arrays()))),
        "a header that lies": ("plain arrays", lambda f: measured(f, with_member(arrays(), "z.npy", lying_header()))),
        "a long header": ("plain arrays", lambda f: measured(f, with_member(arrays(), "z.npy", long_header()))),
        "a member that is no array": ("plain arrays", lambda f: measured(f, with_member(arrays(), "notes"))),
        "pickled objects": data_case("plain arrays", x=np.array([{"a": 1}] * 40, dtype=object)),
        "texts": data_case("`data` must hold numbers", x=np.full((40, 3), "a")),
        "complex numbers": data_case("`data` must hold numbers", x=X.astype("complex64")),
        "dates": data_case("`data` must hold numbers", y=np.zeros(40, "datetime64[s]")),
        "two forms of x": data_case("`data` must hold y or y_NAME, and x, x_NAME or features and edges", x_a=X),
        "x of an unknown name": data_case("Received: names=", x_a=X, z=Y),
        "x_NAME for a model of one input": ("the model takes", lambda f: named_input(f)),
        "other suffix": ("must be a .npz file", lambda folder: load_data(str(folder / "data.csv"))),
        "no file": ("must be a file that exists", lambda folder: load_data(str(folder / "data.npz"))),
        "a folder": ("must be a file that exists", lambda folder: load_data(made_folder(folder / "data.npz"))),
        "no y": ("must hold y", lambda folder: without_y(folder)),
        "fewer y than x": data_case("equally many examples", y=Y[:-1]),
        "no examples": data_case("equally many examples", x=X[:0], y=Y[:0]),
        "a single number": data_case("examples along their first axis", x=np.float32(1)),
        "other width of x": data_case("expected axis -1 of input shape to have value 3", x=X[:, :2]),
        "one axis of x": data_case("the model takes", x=X[:, 0]),
        "NaN in x": data_case("`x` must hold only finite numbers", x=bad(X, np.nan)),
        "infinity in x": data_case("`x` must hold only finite numbers", x=bad(X, np.inf)),
        "x beyond float32": data_case("`x` must hold only finite numbers", x=bad(X, 1e300, "float64")),
        "NaN in y": data_case("`y` must hold only finite numbers", y=bad(Y, np.nan, "float32")),
        "a label too large": data_case(
            "labels in `y` must be whole numbers from 0 to 1. Received: labels=[2]", y=bad(Y, 2)
        ),
        "a label below zero": data_case("from 0 to 1. Received: labels=[-1]", y=bad(Y, -1)),
        "a label between": data_case("from 0 to 1. Received: labels=[0.5]", y=bad(Y, 0.5, "float32")),
        "one-hot for sparse labels": data_case("targets that the loss takes", y=np.eye(2)[Y]),
        "edges to no node": graph_case("`edges` must join nodes 0 to 39", edges=np.array([[0], [40]])),
        "edges below zero": graph_case("`edges` must join nodes 0 to 39", edges=np.array([[-1], [0]])),
        "edges in rows": graph_case("`edges` must have shape (2, num_edges)", edges=np.array([[0, 1, 2], [1, 2, 3]]).T),
        "edges between": graph_case("`edges` must be integers", edges=np.array([[0.0], [1.0]])),
        "features of one axis": graph_case("`features` must have shape", features=X[:, 0]),
    },
)


def named_input(folder):
    np.savez(folder / "data.npz", x_a=X, y=Y)
    return ks.gradient_norm(model(), *load_data(str(folder / "data.npz")))


def without_y(folder):
    np.savez(folder / "data.npz", x=X)
    return load_data(str(folder / "data.npz"))


def made_folder(path):
    path.mkdir()
    return str(path)


# Saved models.


@functools.cache
def saved_model():
    with tempfile.TemporaryDirectory() as folder:
        model().save(f"{folder}/model.keras")
        return Path(folder, "model.keras").read_bytes()


def loaded(folder, content):
    (folder / "model.keras").write_bytes(content)
    return load_model(str(folder / "model.keras"))


def lambda_layer(folder):
    trace = str(folder / "trace")
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Lambda(lambda x: os.makedirs(trace, exist_ok=True) or x)]
    )
    network.save(folder / "lambda.keras")
    (folder / "trace").rmdir()
    return load_model(str(folder / "lambda.keras"))


def with_config(change):
    """The saved model with another configuration."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved_model())) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, json.dumps(change(json.loads(content))) if name == "config.json" else content)
    return buffer.getvalue()


def gadget(module, name, config):
    return with_config(lambda old: {"module": module, "class_name": name, "config": config, "registered_name": name})


def outdated_weights():
    def widen(config):
        config["config"]["layers"][1]["config"]["units"] = 5
        return config

    return with_config(widen)


add(
    "model",
    {k: (f"`keras_model` must {w}", lambda f, c=c: loaded(f, c(saved_model()))) for k, (w, c) in TRICKS.items()},
)
add(
    "model",
    {
        "a flipped byte in the weights": ("safe mode", lambda f: loaded(f, flip(saved_model(), -3000))),
        "a Lambda layer": ("loads in safe mode", lambda_layer),
        "a function of the system": ("safe mode", lambda f: loaded(f, gadget("os", "function", "system"))),
        "a class of Python": ("safe mode", lambda f: loaded(f, gadget("subprocess", "Popen", {"args": ["true"]}))),
        "a utility of Keras": ("safe mode", lambda f: loaded(f, gadget("keras.utils", "get_file", {"origin": "x"}))),
        "weights of another width": ("safe mode", lambda f: loaded(f, outdated_weights())),
        "no configuration": ("safe mode", lambda f: loaded(f, arrays())),
        "other suffix": ("must be a .keras file", lambda folder: load_model(str(folder / "model.h5"))),
        "no file": ("must be a file that exists", lambda folder: load_model(str(folder / "model.keras"))),
        "a folder": ("must be a file that exists", lambda f: load_model(made_folder(f / "model.keras"))),
    },
)


# Folders of runs.


@functools.cache
def run_files():
    models = make_models()
    return {
        "config.json": json.dumps(CONFIG),
        "models.csv": models.to_csv(index=False),
        "summary.json": json.dumps(make_summary(models)),
    }


def write_run(folder, **files):
    for name, text in (run_files() | {name.replace("_", "."): text for name, text in files.items()}).items():
        (folder / name).write_text(text)


def reported(folder, config=None, csv=None, **changes):
    summary = json.dumps(json.loads(run_files()["summary.json"]) | changes)
    files = {"config_json": config, "models_csv": csv, "summary_json": summary}
    write_run(folder, **{name: text for name, text in files.items() if text is not None})
    return write_report(folder)


def run_case(words, **changes):
    return words, lambda folder: reported(folder, **changes)


HEADER = "epochs,train_loss,test_loss,sharpness,sharpness_standard_error\n"
add(
    "run",
    {
        "config.json cut": run_case("config.json must be JSON", config='{"model": "ga'),
        "config.json a list": run_case("config.json must hold a JSON object", config="[1, 2]"),
        "config.json nested too deeply": run_case("config.json must be JSON", config="[" * 100_000),
        "no model": run_case("config.json must name the `model`", config='{"rho": 1}'),
        "rho a word": run_case("config.json must hold `rho`", config='{"model": "gat", "rho": "much"}'),
        "rho NaN": run_case("config.json must hold `rho`", config='{"model": "gat", "rho": NaN}'),
        "rho negative": run_case("config.json must hold `rho`", config='{"model": "gat", "rho": -1}'),
        "models.csv empty": run_case("models.csv must be a CSV table", csv=""),
        "models.csv with an open quote": run_case("models.csv must be a CSV table", csv=HEADER + '1,"2'),
        "models.csv without columns": run_case("missing=", csv="index,sharpness\n0,1\n"),
        "models.csv without rows": run_case("must have at least one row", csv=HEADER),
        "models.csv with words": run_case("not_numbers=['test_loss']", csv=HEADER + "1,2,x,3,4\n"),
        "models.csv with truth values": run_case("not_numbers=['sharpness']", csv=HEADER + "1,2,3,True,4\n"),
        "models.csv beyond float32": run_case("too_large=['sharpness']", csv=HEADER + "1,2,3,1e308,4\n"),
        "tau NaN": run_case("`tau` in", tau=float("nan")),
        "tau above one": run_case("must be a number from -1 to 1", tau=1.5),
        "tau a word": run_case("must be a number from -1 to 1", tau="high"),
        "p-value missing": run_case("must be a number from -1 to 1", p_value=None),
        "half a model": run_case("`num_models` in", num_models=2.5),
        "diverged models a word": run_case("`num_diverged` in", num_diverged="some"),
    },
)


# Files of a run's pool.


def pool(folder, damage):
    weights = [np.zeros(v.shape, "float32") for v in network().weights]
    PoolStore(folder).save_member(Member(index=3, seed=17, weights=weights, state=[], epoch_losses=(0.5,)), {})
    path = folder / "pool" / "00003.npz"
    damage(path)
    return load_member(folder, 3, network())


@functools.cache
def network():
    return fcnn()


def pool_case(words, damage):
    return words, lambda folder: pool(folder, damage)


def paths_of_wrong_shape(folder):
    PoolStore(folder).save_paths(3, {"losses": np.zeros(5)})
    return PoolStore(folder).load_paths(3)


MEMBER = {"seed": 17, "epoch_losses": np.zeros(1)}
add(
    "pool",
    {
        "a flipped byte": pool_case("it is damaged", lambda p: p.write_bytes(flip(p.read_bytes(), 100))),
        "truncated": pool_case("it is damaged", lambda p: p.write_bytes(p.read_bytes()[:-1])),
        "empty": pool_case("it is damaged", lambda p: p.write_bytes(b"")),
        "no file": pool_case("Model 3 must have been saved", lambda p: p.unlink()),
        "other arrays": pool_case(
            "must hold seed, epoch_losses of a model", lambda p: save_arrays(p, losses=np.zeros(3))
        ),
        "other shapes": pool_case("must have the weights of", lambda p: save_arrays(p, weight_0=np.zeros(3), **MEMBER)),
        "pickled objects": pool_case("plain arrays", lambda p: save_arrays(p, a=np.array([{}], dtype=object))),
        "loss paths of one axis": ("must hold losses of a model", paths_of_wrong_shape),
    },
)


# Data sets named with --data_dir.


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def data_dir(name, files):
    def call(folder):
        for file, content in files.items():
            (folder / file).write_bytes(content(folder) if callable(content) else content)
        return data.load(name, folder)

    return call


def malicious(folder):
    return pickle.dumps(Malicious(str(folder / "trace")), protocol=2)


IDX = dict.fromkeys(idx.SHA256, b"\x1f\x8b\x08\x00" + bytes(40))
GZIP_BOMB = b"\x1f\x8b\x08\x00" + bytes(6) + deflated_zeros(64)
FIRST = next(iter(idx.SHA256))
add(
    "data_dir",
    {
        "no folder": ("`data_dir` must be a folder that exists", lambda f: data.load("abalone", f / "none")),
        "a file": ("`data_dir` must be a folder that exists", lambda f: data.load("abalone", __file__)),
        "no such data set": ("`name` must be one of", lambda f: data.load("iris")),
        "Abalone changed": ("abalone.csv must have the SHA-256", data_dir("abalone", {"abalone.csv": b"M,1,2,3\n"})),
        "FashionMNIST truncated": ("must have the SHA-256", data_dir("fashion_mnist", IDX)),
        "FashionMNIST a bomb": ("must have the SHA-256", data_dir("fashion_mnist", IDX | {FIRST: GZIP_BOMB})),
        "FashionMNIST of other magic": ("must have the SHA-256", data_dir("fashion_mnist", IDX | {FIRST: b"PK\3\4"})),
        "FashionMNIST in part": ("must hold all of", data_dir("fashion_mnist", {FIRST: b""})),
        "Planetoid malicious": ("must have the SHA-256", data_dir("cora", dict.fromkeys(planetoid.SHA256, malicious))),
        "Planetoid in part": ("must hold all of", data_dir("cora", {"ind.cora.x": b""})),
        "a pickle of the system": (".mkdir", lambda f: planetoid.unpickle(malicious(f), "ind.cora.x")),
        "a pickle cut": ("must be a whole pickle", lambda f: planetoid.unpickle(pickle.dumps([1])[:-2], "ind.cora.x")),
    },
)


# The command line.


def flag_case(words, *arguments):
    return words, lambda folder: command_line(*(argument.format(folder=folder) for argument in arguments))


def flag_file(content):
    def call(folder):
        (folder / "flags").write_bytes(content)
        return command_line(f"--flagfile={folder / 'flags'}")

    return call


add(
    "flags",
    {
        "rho NaN": flag_case("`rho` must be finite and non-negative. Received: rho=nan", "--rho=nan"),
        "rho negative": flag_case("`rho` must be finite and non-negative", "--rho=-1"),
        "rho infinite": flag_case("`rho` must be finite and non-negative", "--rho=1e400"),
        "rho a word": flag_case("--rho=much", "--rho=much"),
        "eta NaN": flag_case("`eta` must be finite and non-negative", "--eta=nan"),
        "no models": flag_case("--num_models=0", "--num_models=0"),
        "half a model": flag_case("--num_models=2.5", "--num_models=2.5"),
        "no examples": flag_case("--m=0", "--m=0"),
        "seed negative": flag_case("--seed=-1", "--seed=-1"),
        "seed of 70 bits": flag_case("`seed` must be an integer from 0 to", f"--seed={2**70}"),
        "learning rate zero": flag_case("`learning_rate` must be finite and positive", "--learning_rate=0"),
        "tolerance NaN": flag_case("`stop_tolerance` must be finite", "--stop_tolerance=nan"),
        "epochs negative": flag_case("`min_epochs` must be finite and non-negative", "--min_epochs=-3"),
        "epochs crossed": flag_case("`min_epochs` must not exceed", "--min_epochs=9", "--max_epochs=2"),
        "step size infinite": flag_case("`step_size` must be finite and positive", "--step_size=inf"),
        "unknown model": flag_case("fcnn|lenet|gat", "--model=resnet"),
        "unknown norm": flag_case("--norm=l7", "--norm=l7"),
        "unknown measure": flag_case("--measure=heat", "measure", "--measure=heat"),
        "unknown flag": flag_case("Unknown command line flag 'no_such_flag'", "--no_such_flag=1"),
        "unknown command": flag_case(
            "one of study, pool, sweep, splits, ablation, atlas, measure, report, compare, benchmark", "frobnicate"
        ),
        "too many words": flag_case("`study` takes no arguments", "study", "now"),
        "report without a run": flag_case("`report` takes RUN", "report"),
        "report on a file": flag_case("must be given the folder of a run", "report", __file__),
        "measure without a model": flag_case("`measure` must be given --keras_model", "measure"),
        "measure without data": flag_case("`measure` must be given --data", "measure", "--keras_model=m.keras"),
        "measure forgotten": flag_case(
            "`study` must be given flags that it takes", "--keras_model=m.keras", "--data=d.npz"
        ),
        "output_dir a file": flag_case("must be a folder, or a new name", f"--output_dir={__file__}"),
        "no flag file": flag_case("/no/such/file", "--flagfile=/no/such/file"),
        "flag file a folder": flag_case("Unable to open flagfile", "--flagfile={folder}"),
        "flag file of bytes": ("`flagfile` must be a file of text", flag_file(b"\xff\xfe\x00\x81")),
        "flag file of nonsense": ("the command must be one of", flag_file(b"nonsense\n")),
        "flag file of unknown flags": ("Unknown command line flag", flag_file(b"--no_such_flag=1\n")),
    },
)


# The Python interface.


def sharpness_case(words, **changes):
    arguments = {"model": None, "x": X, "y": Y, "m": 4, "num_batches": 2}
    return words, lambda folder: ks.worst_case_sharpness(**(arguments | {"model": model()} | changes))


def not_built():
    return keras.Sequential([keras.layers.Dense(2)])


def call_case(words, call):
    return words, lambda folder: call(model(), X, Y)


add(
    "python",
    {
        "a model that is none": sharpness_case("`model` must be a Keras model", model="model.keras"),
        "a model not built": ("`model` must be built", lambda f: ks.worst_case_sharpness(not_built(), X, Y, "mse")),
        "no targets": sharpness_case("`y` must be given", y=None),
        "no inputs": sharpness_case("examples along their first axis", x=None),
        "more x than y": sharpness_case("equally many examples", y=Y[:5]),
        "objects": sharpness_case("must hold real numbers", x=X.astype(object)),
        "batches out of range": sharpness_case("`batches` must name examples 0 to 39", batches=[[40]]),
        "batches below zero": sharpness_case("`batches` must name examples 0 to 39", batches=[[-1]]),
        "batches ragged": sharpness_case("rows of equal length", batches=[[1], [1, 2]]),
        "batches of one axis": sharpness_case("integers of shape (num_batches, m)", batches=[1, 2]),
        "examples out of range": sharpness_case("`examples` must name examples 0 to 39", examples=[40]),
        "examples between": sharpness_case("`examples` must be integers", examples=[0.5]),
        "no examples": sharpness_case("`examples` must be integers of shape (n,), not empty", examples=[]),
        "unknown norm": sharpness_case("`norm` must be one of linf, l2, l1", norm="l7"),
        "unknown scaling": sharpness_case("`scaling` must be one of", scaling="zen"),
        "unknown plan": sharpness_case("`plan` must be one of", plan="later"),
        "rho a word": sharpness_case("`rho` must be finite", rho="much"),
        "rho None": sharpness_case("`rho` must be finite", rho=None),
        "m between": sharpness_case("`m` must be an integer", m=2.5),
        "seed between": sharpness_case("`seed` must be an integer", seed=0.5),
        "seed of 40 bits": sharpness_case("`seed` must be an integer from 0 to", seed=2**40),
        "a maximizer's name": sharpness_case("`maximizer` must be one", maximizer="pga"),
        "no such weight": sharpness_case("`select` must name layers or weights", select="attention"),
        "a selection that is none": sharpness_case("`select` must be names", select=5),
        "unknown loss": sharpness_case("`loss` must be a Keras loss", loss="mean_cubed_error"),
        "a loss that takes one argument": sharpness_case("targets that the loss takes", loss=lambda y: y),
        "a loss that raises": sharpness_case("that the loss takes. Received: division", loss=lambda y, p: 1 / 0),
        "labels for probabilities": sharpness_case("from 0 to 1", loss="binary_crossentropy", y=2 * np.eye(2)[Y]),
        "half an ascent step": call_case("`num_steps` must be an integer", lambda *s: ks.PGA(num_steps=2.5)),
        "k too large": call_case("`k` must be 1 to 26", lambda *s: ks.hessian.top_eigenvalues(*s, k=99)),
        "k between": call_case("`k` must be an integer", lambda *s: ks.hessian.top_eigenvalues(*s, k=1.5)),
        "seed of a trace": call_case("`seed` must be an integer", lambda *s: ks.hessian.trace(*s, seed=-1)),
        "examples of Fisher-Rao": call_case("`examples` must name", lambda *s: ks.fisher_rao_norm(*s, examples=[40])),
        "unknown argument": call_case("unknown='zeal'", lambda *s: ks.critical_sharpness(*s, zeal=1)),
        "unknown noise": call_case("`kind` must be one of", lambda *s: ks.average_case_sharpness(*s, kind="levy")),
        "unknown distribution": call_case(
            "`distribution` must be a", lambda *s: ks.worst_case_sharpness(*s, distribution="both")
        ),
    },
)
