"""Pythia, OPT and BLOOM under lm-evaluation-harness, zero-shot, as EleutherAI published them.

Pythia 70M–12B (final step), OPT 125M–66B, BLOOM 560M–7.1B (github EleutherAI/pythia at
``COMMIT``), in the old format of :mod:`mirage.readers.lm_eval`. Know before use:

- ``n_params`` is the nominal size;
- Pythia was run on 87 tasks, OPT and BLOOM on 65 of them;
- the 1B Pythia is the run in bfloat16.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirage.datasets.remote import Remote, download_pinned
from mirage.datasets.spec import GITHUB, Spec
from mirage.datasets.tables import ScoreTable
from mirage.readers import lm_eval

COMMIT = "4d0c90183683435b20890cabca52783c3b820d3c"


def _remotes() -> tuple[Remote, ...]:
    """List the published files at a pinned commit, with the content they must have."""
    raw = f"{GITHUB}/EleutherAI/pythia/{COMMIT}/evals"
    remotes = []
    for line in _PUBLISHED.split():
        model, digest = line.split("=")
        family, _, size = model.partition("-")
        if family == "pythia":
            file = f"{model}_step143000_zero-shot.json"
            url = f"{raw}/pythia-v1/{model}/zero-shot/{size}_step143000.json"
        else:
            file, url = f"{model}_zero-shot.json", f"{raw}/{family}/{model}.json"
        remotes.append(Remote(f"llm/lm_eval/{file}", url, digest))
    return tuple(remotes)


_PUBLISHED = """
bloom-1b1=717a4d0136382c2422f3d823f386cea4d02e2f6c8c27e65e6a5784f50ba7507f
bloom-1b7=7c1a4e1df5410d3742b9b830077f6e711247b7d38ec203c709975adcbeaa10b1
bloom-3b=4b9055cbac9a166c2524b326ffe16f78f2179f642f47ad347a7a0a043c795db4
bloom-560m=de5f9c35354b893c9ca3ea22ed734fb9875f11f9d2554ee15325f945e9de97e2
bloom-7b1=a4b87554bce41299a6a540093b59826e7cf9ef5fcf494a5c314e7eebf42686e1
opt-1.3b=c7fc49c8698ad34269d0496207349385c7a13992379cdc8612e03bb4d928f151
opt-125m=0a8128197147728112b353a42a090ac15ac83bfa83aed122d10e096a10c1793a
opt-13b=cba0ea4c8f6976573947bf632fc3e4446b476f4ecd100f027084c5dc9d88f685
opt-2.7b=01a34f529f0b03fb220831a74c69867ba347b215c4122cefd488463477eeec8d
opt-30b=1bedf4c5ad2a234a6fa565a2b02e1dad8fe0e45c5a5f723554c661c0806423df
opt-350m=679ef01aa8c087297255bc41a666ee244e3afc6e17ab4c6e4159fa01e7883560
opt-6.7b=524dd084c9699492889bc43cbeb3af43e886de8171669efa2b97772296786250
opt-66b=7ed04176d6ac1364a7c84f766f573a3d4015114f2f3634cbaa635fb808c222c7
pythia-1.4b=454d35a54bc35cffb6617b03e9524042397e25d59e2bb4b6939ec610ed07afc2
pythia-12b=ea269108cdfad6c17b55373d3ea02d832011294587b42060369fc574374b0164
pythia-160m=47d6986215acd4ab22ab5a82e75d49645bfbb757efc76b0d0f305d62a1362a60
pythia-1b-bf16=cc5b66fb541a4540afe736144817108150c93b3179088ebbdea31444721a99c4
pythia-2.8b=8c7f54862dab8e377eff06935c5c4cf76f68f7c71fb67c3d5137f52b4b2eab99
pythia-410m=8c8ec312e6fdd6b70817b4fd917489879a53604949fdd5b68f6e030a78630f0c
pythia-6.9b=2ee095586f554332db65e5cf09b0c2b2afc31cf621eb93322416852ee469608c
pythia-70m=2338c75e1345f53da34143298c1d6c23393f24e8d765ac3e86599e956c6a5e4f
"""
_REMOTES = _remotes()


def read_published(paths: Sequence[Path]) -> dict[str, Any]:
    """Read the published files.

    Parameters
    ----------
    paths : sequence of Path
        The result files.

    Returns
    -------
    dict
        ``scores``, as :func:`mirage.readers.lm_eval.read` gives them; a bad file is an error.
    """
    return {"scores": lm_eval.read(paths, strict=True).scores}


def download(folder: Path) -> None:
    """Download the published files."""
    download_pinned(_REMOTES, folder)


SPEC = Spec(
    name="lm_eval",
    title="lm-evaluation-harness results",
    licence="Apache-2.0",
    citation="Biderman et al. (2023)",
    origin=f"github EleutherAI/pythia @ {COMMIT[:8]}, evals/",
    files=tuple(remote.file for remote in _REMOTES),
    n_bytes=380_000,
    caption="lm-evaluation-harness results of Pythia, OPT and BLOOM ({models} models, zero-shot)",
    container=ScoreTable,
    read_files=read_published,
    download=download,
    urls=(_REMOTES[0].url,),
)
