"""From logs or a table to verdicts: the paper's question, asked of anyone's results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mirage.audit import words
from mirage.audit.cards import card
from mirage.audit.frame import Frame
from mirage.emergence import abilities
from mirage.emergence.ability import MetricCurve
from mirage.emergence.evidence import Evidence
from mirage.emergence.work import working
from mirage.metrics import catalogue
from mirage.readers import logs as readers

_OF_CHOICES = ("accuracy", "multiple choice grade")  # how names of such metrics begin
SCALES = {"n_params": "parameters", "compute": "training FLOP"}


@dataclass(frozen=True)
class Audit:
    """Verdicts on abilities, and what they were made from.

    Attributes
    ----------
    verdicts : polars.DataFrame
        One row per ability, those worth a look first: ``family, task, protocol, metric, n_models,
        verdict, sentence, p_jump, q_jump, jump_height, smallest_detectable_jump, dormant_share,
        rise_width, note, plan``. ``metric`` is the headline one. ``verdict`` is one of
        ``never-above-chance, declines, gradual, metric, resolution, jump, undecided``, and empty
        where the models are no curve, or the scores do not rise; ``note`` then says which.
    scores : polars.DataFrame
        The score table that was judged.
    outcomes : polars.DataFrame or None
        The outcome table, where items were read.
    evidence : tuple of Evidence or None
        What was measured, in the order of `verdicts`; None for an ability that is not judged.
    faults, notes : tuple of str
        What could not be used, and what was decided on the way.
    files : tuple of str
        Files that were read.
    options : dict
        What the audit was asked, by the names of the arguments of :func:`audit`.
    """

    verdicts: pl.DataFrame
    scores: pl.DataFrame
    outcomes: pl.DataFrame | None = None
    evidence: tuple[Evidence | None, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The audit in one sentence."""
        return words.headline(self.shades)

    @property
    def kinds(self) -> list[str]:
        """Key of each row in `mirage.audit.words.VERDICTS`."""
        return _kinds(self.verdicts)

    @property
    def shades(self) -> list[str]:
        """As `kinds`, but a jump under the only metric at hand has a key of its own."""
        return [words.shade(*r) for r in self.verdicts.select("verdict", "sentence").iter_rows()]

    @property
    def without_chance(self) -> list[str]:
        """Tasks whose verdict rests on a share of right items, of which a guess's is not known."""
        unknown = (one.ability.task for one in self.evidence if one and _lacks_chance(one))
        return list(dict.fromkeys(unknown))

    def html(self, title: str = "Are these abilities emergent?") -> str:
        """Return the report as one self-contained HTML page."""
        from datetime import date

        from mirage import __version__
        from mirage.audit.report import Report, render

        shown = self.verdicts.select("family", "task").unique()
        named = self.scores.join(shown, on=("family", "task"), how="semi")
        return render(
            Report(
                title=title,
                summary=self.summary,
                abilities=self._cards(),
                faults=self.faults,
                x=SCALES.get(self.options.get("x", "n_params"), self.options.get("x", "")),
                n_models=named.select("family", "model").n_unique(),
                n_files=named["file"].drop_nulls().n_unique() if "file" in named.columns else 0,
                version=__version__,
                date=date.today().isoformat(),
                notes=_named_below(self.notes, self._folder),
            )
        )

    @cached_property
    def _folder(self) -> Path | None:
        return _shared_folder(self.files)

    def _cards(self) -> list[dict[str, Any]]:
        x = self.options.get("x", "n_params")
        file = pl.col("file") if "file" in self.scores.columns else pl.lit(None, pl.String)
        size = pl.col(x).cast(pl.Float64)
        known = size.is_not_null()
        groups = self.scores.group_by("family", "task").agg(
            size.filter(known).alias("sizes"),
            pl.col("model").filter(known).alias("models"),
            file.drop_nulls().unique().sort().alias("files"),
        )
        shown = {row[:2]: row[2:] for row in groups.iter_rows()}
        cards = []
        for row, evidence in zip(self.verdicts.to_dicts(), self.evidence, strict=True):
            sizes, models, files = shown.get((row["family"], row["task"]), ((), (), ()))
            names = dict(zip(sizes, models, strict=True))
            cards.append(card(row, evidence, names, _below(files, self._folder)))
        return cards

    def where(self, *predicates: pl.Expr) -> Audit:
        """Keep the abilities whose rows of `verdicts` satisfy all predicates; verdicts stay.

        Parameters
        ----------
        *predicates : polars.Expr
            As for ``polars.DataFrame.filter``.

        Returns
        -------
        Audit
        """
        rows = self.verdicts.with_row_index("_row").filter(*predicates)
        kept = rows["_row"].to_list()
        evidence = tuple(self.evidence[i] for i in kept)
        return replace(self, verdicts=rows.drop("_row"), evidence=evidence)

    def frame(
        self, title: str = "Are these abilities emergent?", height: int = 640, name: str = ""
    ) -> Frame:
        """Return the report as the output of a notebook cell, see `mirage.audit.frame.Frame`."""
        return Frame(self.html(title), title, height, name)

    def report(self, folder: str | Path) -> Path:
        """Write report, tables and summary into a folder; see :func:`mirage.audit.write.write`."""
        from mirage.audit.write import write

        return write(self, Path(folder))

    def _repr_html_(self) -> str:
        """Show the summary and the verdicts in a notebook."""
        from html import escape

        chosen = self.verdicts.select("family", "task", "protocol", "verdict", "sentence", "note")
        lines = [f"<p><b>{escape(self.summary)}</b></p><table><thead><tr>"]
        lines += [f'<th scope="col">{name}</th>' for name in ("ability", "verdict", "why")]
        lines.append("</tr></thead><tbody>")
        for family, task, protocol, verdict, sentence, note in chosen.head(50).iter_rows():
            name = ", ".join(filter(None, (family, task, protocol)))
            cells = (name, words.VERDICTS[words.shade(verdict, sentence)], sentence or note or "")
            lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
        return "\n".join([*lines, "</tbody></table>"])


def audit(
    logs: str | Path | Iterable[str | Path] | pl.DataFrame,
    *,
    x: str = "n_params",
    chance: Mapping[str, float] | None = None,
    n_params: Mapping[str, int | str] | str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
    cache: str | Path | None = None,
    backend: str | None = None,
) -> Audit:
    """Ask of every ability in some logs: is it the metric, the items, the models, or a jump?

    Parameters
    ----------
    logs : path, iterable of paths, or polars.DataFrame
        Files and folders of any format that `mirage.readers.read` knows, or a score table.
    x : str
        Column of the scale: ``n_params`` or ``compute``.
    chance : mapping of str to float, optional
        Score of a guess by task, where the logs do not state it; ``"mmlu_*"`` is every task whose
        name begins so.
    n_params : mapping or path, optional
        Parameters by model name, for models whose files and names do not tell.
    columns : mapping of str to str, optional
        Our column for a column of a table, where its name does not tell.
    strict : bool
        Make a file or value that cannot be used an error.
    seed : int
        Of all draws: the same logs give the same verdicts.
    progress : callable, optional
        Called as ``progress(stage, n_done, n_parts)``; the stages are ``"files read"`` and those
        of the tests.
    cache : path, optional
        Folder in which results of tests are kept, so that an audit that was stopped goes on where
        it was, and one of more logs tests only what is new. By default nothing is kept.
    backend : {"local", "dask", "ray"}, optional
        Where curves are tested for jumps, as `mirage.processes.workers` says; the verdicts are the
        same. On one machine threads do it as well.

    Returns
    -------
    Audit

    Raises
    ------
    DataError
        Nothing can be read, or with ``strict`` something cannot.
    ValueError
        The table is no score table, or has no column `x`.

    See Also
    --------
    mirage.emergence.abilities : The verdicts and their rules.
    mirage.readers.read : What is read.

    Examples
    --------
    Exact match of four models is 0 on 100 items, where a smooth curve would be, too.

    >>> row = {"family": "toy", "task": "sums", "source": "example", "n_items": 100}
    >>> sizes = {"S": (10**8, 0.0), "M": (10**9, 0.0), "L": (10**10, 0.03), "XL": (10**11, 0.3)}
    >>> rows = [row | {"model": model, "n_params": n, "metric": "exact match", "score": y}
    ...         for model, (n, y) in sizes.items()]
    >>> audit(pl.DataFrame(rows)).verdicts["n_models"].to_list()
    [4]
    """
    if isinstance(logs, pl.DataFrame):
        scores, outcomes, faults, notes, files = logs, None, (), (), ()
    else:
        logs = [logs] if isinstance(logs, str | Path) else list(logs)
        told = progress and partial(progress, "files read")
        read = readers.read(logs, n_params=n_params, columns=columns, strict=strict, progress=told)
        scores, outcomes, faults, notes = read.scores, read.outcomes, read.faults, read.notes
        files = tuple(read.files.filter(pl.col("fault").is_null())["file"])
    sizes = dict(n_params) if isinstance(n_params, Mapping) else n_params and str(n_params)
    rng = np.random.default_rng(seed)
    with working(None if cache is None else Path(cache), progress, backend):
        judged = abilities.examine(scores, outcomes, x=x, chance=chance or None, rng=rng)
    texts = ("protocol", "verdict", "sentence", "note", "plan")
    verdicts = judged.verdicts.with_columns(pl.col(texts).fill_null(""))
    order = _ranking(verdicts)
    return Audit(
        verdicts=verdicts[order],
        scores=scores,
        outcomes=outcomes,
        evidence=tuple(judged.evidence[i] for i in order),
        faults=tuple(faults),
        notes=tuple(notes),
        files=files,
        options={
            "logs": None if isinstance(logs, pl.DataFrame) else [str(path) for path in logs],
            "x": x,
            "chance": dict(chance or {}),
            "n_params": sizes,
            "columns": dict(columns or {}),
            "strict": strict,
            "seed": seed,
            "backend": backend,
        },
    )


def _lacks_chance(evidence: Evidence) -> bool:
    """Whether a guess may be right, and how often is not known: a text is not guessed."""
    curves = [finding.curve for finding in evidence.findings]
    headline = curves[0]
    return headline.chance is None and _is_share(headline) and any(map(_of_choices, curves))


def _is_share(curve: MetricCurve) -> bool:
    metric = catalogue.find(curve.name)
    return bool(metric and metric.kind == catalogue.SHARE) and not curve.rescaled


def _of_choices(curve: MetricCurve) -> bool:
    """Whether a metric is a share of right choices; a lone "accuracy" mostly is."""
    return _is_share(curve) and catalogue.get(curve.name).name.startswith(_OF_CHOICES)


def _shared_folder(files: Iterable[str]) -> Path | None:
    """The deepest folder that holds every file of the audit; None where there is none."""
    folders = {Path(file).parent for file in files}
    if not folders or len({folder.is_absolute() for folder in folders}) > 1:
        return None
    return Path(os.path.commonpath(folders))


def _below(files: Iterable[str], folder: Path | None) -> list[str]:
    """Names of files below a folder.

    Examples
    --------
    >>> _below(["runs/a/x.json"], _shared_folder(["runs/a/x.json", "runs/b/y.json"]))
    ['a/x.json']
    """
    return [Path(file).relative_to(folder).as_posix() if folder else file for file in files]


def _named_below(notes: Iterable[str], folder: Path | None) -> list[str]:
    """Notes that name files as the cards do, and not where this machine keeps them."""
    if folder is None or folder == Path(folder.anchor):
        return list(notes)
    return [note.replace(f"{folder}{os.sep}", "") for note in notes]


def _ranking(verdicts: pl.DataFrame) -> list[int]:
    """Order abilities by interest: the verdict, then the evidence for a jump, then dormancy."""
    place = {verdict: i for i, verdict in enumerate(words.VERDICTS)}
    columns = ("q_jump", "dormant_share", "family", "task", "protocol")
    keys = [
        (place[kind], 1.0 if q is None else q, -(d or 0.0), *names)
        for kind, (q, d, *names) in zip(
            _kinds(verdicts), verdicts.select(columns).iter_rows(), strict=True
        )
    ]
    return sorted(range(len(keys)), key=keys.__getitem__)


def _kinds(verdicts: pl.DataFrame) -> list[str]:
    """Key of each row in `mirage.audit.words.VERDICTS`."""
    return [words.kind(*row) for row in verdicts.select("verdict", "sentence").iter_rows()]
