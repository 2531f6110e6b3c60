"""Files that are whole but wrong, and what is no plain file: bad inputs as in `corpus`, many of them drawn by seed."""

import csv
import functools
import io
import os

import numpy as np

from keras_sharpness.cli.user_files import load_data, load_model
from keras_sharpness.files.checksum import save_arrays, verify
from keras_sharpness.files.lock import alone_in
from keras_sharpness.files.writable import require_writable
from keras_sharpness.pools.load_pool import load_pool
from keras_sharpness.pools.store import PoolStore, load_member
from keras_sharpness.reporting.compare import write_comparison
from keras_sharpness.reporting.pool_folder import read_pool
from keras_sharpness.reporting.run_folder import read_run
from keras_sharpness.studies.folder import config_of
from tests.cli.in_process import command_line
from tests.faults.corpus import CASES, add, network, run_files, write_run
from tests.reporting.fake_run import ABLATION_CSV, SWEEP_CSV, make_details

RNG = np.random.default_rng(20)


# Arrays with a valid checksum that are not what a pool holds.


def draw_array():
    """An array that is no single number: of some shape, or of words, dates, or complex numbers."""
    shape = tuple(int(n) for n in RNG.integers(0, 4, RNG.integers(1, 4)))
    kinds = [np.zeros(shape, np.float32), np.array("word"), np.array(1j), np.array(0, "datetime64[s]"), np.array(b"x")]
    return kinds[RNG.integers(len(kinds))]


@functools.cache
def of_member():
    weights = {f"weight_{k}": np.zeros(v.shape, "float32") for k, v in enumerate(network().weights)}
    return weights | {"seed": 17, "epoch_losses": np.zeros(2), "train_loss": 0.5, "test_loss": 0.5}


def member(words, read="row", without=(), **changes):
    def call(folder):
        arrays = {name: array for name, array in of_member().items() if name not in without}
        save_arrays(folder / "pool" / "00003.npz", **arrays | changes)
        if read == "row":
            return PoolStore(folder).load_row(3, "train_loss", "test_loss")
        return load_member(folder, 3, network())

    return words, call


SEEDS = {"a word": "high", "between": 0.5, "negative": -1, "of 33 bits": 2**32, "NaN": np.nan, "bytes": b"17"}
add("member", {f"seed {what}": member("00003.npz must hold", seed=seed) for what, seed in SEEDS.items()})
add("member", {f"seed an array, {k}": member("00003.npz must hold", seed=draw_array()) for k in range(6)})
add("member", {f"loss an array, {k}": member("00003.npz must hold", test_loss=draw_array()) for k in range(12)})
add("member", {f"another loss, {k}": member("00003.npz must hold", test_error=draw_array()) for k in range(6)})
add(
    "member",
    {
        "no test loss": member("must hold seed, epoch_losses, train_loss, test_loss", without=["test_loss"]),
        "no seed": member("must hold seed, epoch_losses", without=["seed"]),
        "losses a number": member("must hold seed, epoch_losses", epoch_losses=0.5),
        "losses words": member("must hold numbers", epoch_losses=np.array(["a"])),
        **{
            f"without weight {k}": member("00003.npz must hold every weight", "model", [f"weight_{k}"])
            for k in range(len(network().weights) - 1)
        },
        "without the last weight": member("must have the weights of", "model", ["weight_5"]),
        "a weight of words": member("must hold numbers", "model", weight_2=np.full((64, 64), "a")),
        "a weight of complex numbers": member("must hold numbers", "model", weight_2=np.zeros((64, 64), complex)),
        "a weight transposed": member("must have the weights of", "model", weight_0=np.zeros((64, 10), "float32")),
        "a first weight of two": member("every first weight", "model", first_weight_1=np.zeros(3)),
    },
)


def of_paths(words, **arrays):
    def call(folder):
        save_arrays(folder / "sharpness" / "00003.npz", **arrays)
        return PoolStore(folder).load_paths(3)

    return words, call


add(
    "paths",
    {
        "of words": of_paths("must hold numbers", losses=np.full((2, 2), "a")),
        "of complex numbers": of_paths("must hold numbers", losses=np.zeros((2, 2), complex)),
        "of no name": of_paths("must hold losses of a model"),
        "and norms of dates": of_paths("must hold numbers", losses=np.eye(2), norms=np.zeros(2, "datetime64[s]")),
    },
)


# Tables with one wrong cell.


def with_cell(text, column, value, row):
    rows = list(csv.reader(io.StringIO(text)))
    rows[1 + row][rows[0].index(column)] = value
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def table(file, text, words, column, value):
    row = int(RNG.integers(2))

    def call(folder):
        write_run(folder)
        (folder / file).write_text(with_cell(text, column, value, row))
        return read_run(folder)

    return words, call


MODELS = run_files()["models.csv"]
NUMBERS = ("epochs", "train_loss", "train_error", "test_error", "sharpness", "sharpness_standard_error")
WORDS = ("word", "$\\frac{", "0,5", "True", "1 2", "<b>", "０x", "1e")
add(
    "models.csv",
    {
        **{
            f"{column} {value}": table("models.csv", MODELS, f"not_numbers=['{column}']", column, value)
            for column in NUMBERS
            for value in RNG.permutation(WORDS)[:3].tolist()
        },
        **{
            f"{column} {value or 'empty'}": table("models.csv", MODELS, "must hold whole numbers", column, value)
            for column in ("index", "seed", "epochs")
            for value in ("", "nan", "inf", "0.5")
        },
    },
)
add(
    "sweep.csv",
    {
        **{
            f"rho {value or 'empty'}": table(
                "sweep.csv", SWEEP_CSV, "sweep.csv must hold finite and positive", "rho", value
            )
            for value in ("inf", "-inf", "", "nan", "0", "-0.01")
        },
        **{
            f"{column} a word": table("sweep.csv", SWEEP_CSV, f"not_numbers=['{column}']", column, "word")
            for column in ("rho", "mean_sharpness", "tau", "tau_ci_low", "num_models")
        },
        "ablation of words": table("ablation.csv", ABLATION_CSV, "not_numbers=['tau']", "tau", "word"),
    },
)


def details(words, **changes):
    def call(folder):
        write_run(folder)
        save_arrays(folder / "details.npz", **make_details() | changes)
        return read_run(folder)

    return words, call


add(
    "details.npz",
    {
        "of words": details("must hold numbers", rises=np.full((40, 6), "a")),
        "of complex numbers": details("must hold numbers", test_losses=np.zeros((40, 30), complex)),
        "of fewer models": details("a row per model", rises=np.zeros((39, 6))),
        "of one axis": details("a row per model", gradient_norms=np.zeros(40)),
    },
)


# What stands in the place of a file: a pipe that nobody writes to, a link to nothing, a folder, a device without end.


def pipe(path):
    os.mkfifo(path)


def dangling(path):
    path.symlink_to(path.parent / "nothing")


def loop(path):
    path.symlink_to(path)


def subfolder(path):
    path.mkdir()


def device(path):
    path.symlink_to("/dev/zero")


PLACES = (pipe, dangling, loop, subfolder, device)


def in_place_of(file, read, put, words):
    def call(folder):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        put(folder / file)
        return read(folder)

    return words or file.rpartition("/")[2], call


def of_run(file, put):
    def call(folder):
        write_run(folder, sweep_csv=SWEEP_CSV)
        (folder / file).unlink(missing_ok=True)
        put(folder / file)
        return read_run(folder)

    return file, call


def of_models(folder):
    (folder / "table.csv").write_text("width,file\n3,m.keras\n")
    examples = np.zeros((4, 3)), np.zeros(4)
    return load_pool(folder, examples, examples, table=folder / "table.csv")


READERS = {
    "pool/00003.npz": (lambda f: PoolStore(f).load_row(3), "00003.npz"),
    "sharpness/00003.npz": (lambda f: PoolStore(f).load_paths(3), "00003.npz"),
    "config.json": (config_of, "config.json"),
    "summary.json": (read_pool, "summary.json"),
    "points.csv": (lambda f: write_comparison([str(f / "points.csv")], "none", f / "out"), "points.csv"),
    "d.npz": (lambda f: load_data(str(f / "d.npz")), "`data` must be a file that exists"),
    "m.keras": (of_models, "m.keras must be a file"),
    "model.keras": (lambda f: load_model(str(f / "model.keras")), "`keras_model` must be a file that exists"),
    "abalone.csv": (lambda f: verify(f / "abalone.csv", "0" * 64), "abalone.csv must be a"),
    ".lock": (lambda f: alone_in(f).__enter__(), ".lock must be a plain file"),
}
# A lock is never read or followed: a pipe does as well as a file.
HARMLESS = {(".lock", pipe)}
for name, (read, words) in READERS.items():
    for place in PLACES:
        if (name, place) not in HARMLESS:
            CASES[f"{place.__name__} for {name}"] = in_place_of(name, read, place, words)
for name in (*run_files(), "sweep.csv", "sweep_pairs.csv", "ablation.csv", "details.npz"):
    for place in (pipe, subfolder, device) if name in run_files() else (pipe, subfolder):
        CASES[f"{place.__name__} for {name} of a run"] = of_run(name, place)


def linked_member(folder):
    """A member that lies elsewhere: nothing outside a run's folder is read as a part of it."""
    save_arrays(folder / "elsewhere.npz", **of_member())
    (folder / "pool").mkdir()
    (folder / "pool" / "00003.npz").symlink_to(folder / "elsewhere.npz")
    return PoolStore(folder).load_row(3)


add("member", {"a link": ("must be a plain file, not a link", linked_member)})


# Folders for results that cannot be.


def below(*parts):
    def call(folder):
        (folder / "file").write_text("")
        (folder / "circle").symlink_to(folder / "circle")
        (folder / "nothing").symlink_to(folder / "none")
        os.mkfifo(folder / "pipe")
        return command_line(f"--output_dir={folder.joinpath(*parts)}")

    return "must be a folder, or a new name", call


OUTPUTS = [("file",), ("file", "run"), ("circle",), ("circle", "run"), ("nothing",), ("nothing", "run"), ("pipe",)]
OUTPUTS += [("pipe", "run"), ("n" * 300,), ("new", "n" * 300, "run"), ("a\0b",), ("\ud800",)]
add(
    "output_dir",
    {" below ".join(parts[::-1])[:20].encode("ascii", "replace").decode(): below(*parts) for parts in OUTPUTS},
)
add(
    "output_dir",
    {
        "a kernel's": ("must be a folder that can be written to", lambda f: command_line("--output_dir=/proc/run")),
        "a device": ("must be a folder, or a new name", lambda f: command_line("--output_dir=/dev/null/run")),
        "sweep of a file": ("must be a folder, or a new name", lambda f: command_line("sweep", __file__)),
        "a library's": ("must be a folder that can be written to", lambda f: require_writable(f / "/proc/run")),
    },
)
