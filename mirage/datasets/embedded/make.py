"""Remakes the embedded files from a data directory: ``python make.py DIRECTORY``.

Tables are copied as they are, so that their SHA-256 are those of the sources. MNIST and Omniglot
are compressed again (LZMA inside npz, a fifth smaller). Of CIFAR-100 the first 20 training and
the first 5 test images of each class are packed into two lossless WebP sheets.
"""

import io
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np

from mirage.datasets import REGISTRY
from mirage.datasets.cifar100 import SUBSET, pack
from mirage.files import sha256

HERE = Path(__file__).parent
TABLES = (
    "bigg",
    "bigg_shots",
    "human_eval",
    "wei_emergent",
    "obsscaling",
    "expemergence",
    "lm_eval",
    "pythia_arithmetic",
    "official_bigbench",
    "bigbench_task_metrics",
    "olmo_ladder",
    "ukp_on_emergence",
)


def compress(source: Path, target: Path) -> None:
    """Write an npz file again with LZMA, the same bytes each time."""
    with np.load(source, allow_pickle=False) as arrays, zipfile.ZipFile(target, "w") as archive:
        for name in arrays.files:
            content = io.BytesIO()
            np.lib.format.write_array(content, arrays[name], allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980: no clock in the bytes
            info.compress_type = zipfile.ZIP_LZMA
            archive.writestr(info, content.getvalue())


def main(directory: Path, target: Path = HERE) -> None:
    """Make every embedded file, and their checksums."""
    names = [name for dataset in TABLES for name in REGISTRY[dataset].files]
    for name in dict.fromkeys(names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(directory / name, target / name)
    for name in ("mnist.npz", "omniglot.npz"):
        compress(directory / name, target / name)
    with np.load(directory / "cifar100.npz", allow_pickle=False) as arrays:
        pack(dict(arrays), target)
    names += ["mnist.npz", "omniglot.npz", *SUBSET.files]
    sums = [f"{sha256(target / name)}  {name}\n" for name in sorted(set(names))]
    (target / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(Path, sys.argv[2:]))
