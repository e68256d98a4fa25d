"""Many draws of few shares: tables from random bits to counts, made once for all draws.

NumPy's own binomial takes some 100 ns a draw; a table of `CELLS` cells takes 10, and as exact a
distribution: a cell that holds one count gives it, and of a cell that holds several a second
random number chooses. From some 500 draws on a table repays making it; callers ask for tables from
`FEWEST` draws on, so that the numbers printed in the book, from fewer, stay what they are.
"""

from __future__ import annotations

import numpy as np

CELLS = 4096  # of a table: 8 KiB, which a core keeps at hand
FEWEST = 5000  # draws from which tables are used: fewer come from the same stream as ever
_BLOCK = 2**20  # cells of the tables at work


def share_draws(
    n: np.ndarray,
    p: np.ndarray,
    n_draws: int,
    rng: np.random.Generator,
    concentration: float | np.ndarray = np.inf,
) -> np.ndarray:
    """Shares of n items that are right, drawn from binomials or beta-binomials.

    Parameters
    ----------
    n : ndarray of int, shape (rows,)
        Number of items, at least 1.
    p : ndarray, shape (rows,)
        Mean share, in [0, 1].
    n_draws : int
        How many of each.
    rng : numpy.random.Generator
        Source of the draws.
    concentration : float or ndarray
        a + b of a beta distribution of mean p, of which each draw takes its own probability.
        Infinite: the binomial itself.

    Returns
    -------
    ndarray, shape (rows, n_draws)
        Multiples of 1/n, in [0, 1].

    Examples
    --------
    Of the 16 outcomes of four coins 1, 4, 6, 4 and 1 have 0 to 4 heads: .0625, .25, .375.

    >>> found = share_draws(np.array([4]), np.array([0.5]), 10_000, np.random.default_rng(0))
    >>> [round(float(np.mean(found == share)), 2) for share in (0, 0.25, 0.5, 0.75, 1)]
    [0.07, 0.24, 0.38, 0.25, 0.07]
    """
    concentration = np.broadcast_to(concentration, p.shape)
    tabled = (n < n_draws) & (p > 0) & (p < 1)
    shares = np.empty((len(p), n_draws))
    rest = np.flatnonzero(~tabled)
    if len(rest):
        drawn = _drawn(n[rest], p[rest], n_draws, rng, concentration[rest])
        shares[rest] = drawn / n[rest, None]
    for size in np.unique(n[tabled]).tolist():
        alike = np.flatnonzero(tabled & (n == size))
        at_once = max(1, _BLOCK // CELLS)
        for start in range(0, len(alike), at_once):
            rows = alike[start : start + at_once]
            edges = _distributions(size, p[rows], concentration[rows])
            _look_up(edges, shares, rows, rng)
    return shares


def _drawn(n, p, n_draws, rng, concentration):
    """Counts by NumPy's own binomial."""
    p = np.tile(p[:, None], n_draws)
    spread = np.isfinite(concentration) & (p[:, 0] > 0) & (p[:, 0] < 1)
    if spread.any():
        total = concentration[spread, None]
        p[spread] = rng.beta(p[spread] * total, (1 - p[spread]) * total)
    return rng.binomial(n[:, None], p)


def _distributions(n: int, p: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """Probabilities (rows, n + 1) of at most 0, 1, …, n, from ratios of neighbouring counts."""
    k, p = np.arange(n), p[:, None]
    log = np.zeros((len(p), n + 1))
    log[:, 1:] = np.log((n - k) / (k + 1))
    spread = np.isfinite(concentration)
    log[~spread, 1:] += (np.log(p) - np.log1p(-p))[~spread]
    if spread.any():
        total = concentration[spread, None]
        a, b = p[spread] * total, (1 - p[spread]) * total
        log[spread, 1:] += np.log((k + a) / (n - k - 1 + b))
    log = np.cumsum(log, axis=1)
    at_most = np.cumsum(np.exp(log - log.max(1, keepdims=True)), axis=1)
    return at_most / at_most[:, -1:]


def _look_up(at_most: np.ndarray, shares: np.ndarray, rows: np.ndarray, rng) -> None:
    """Fill some rows of the shares with draws of the given distributions, a table for each."""
    size, n_draws = at_most.shape[1], shares.shape[1]
    edges = CELLS * at_most  # where each count ends, on the line of cells
    edges[:, -1] = CELLS
    ends = np.ceil(edges).astype(np.int64)
    value = np.arange(size) / (size - 1)
    widths = np.diff(ends, axis=1, prepend=0)  # cells whose first count this is
    tables = np.repeat(np.tile(value, len(rows)), widths.ravel()).reshape(-1, CELLS)
    row, count = np.nonzero(edges < ends)
    tables[row, edges[row, count].astype(np.int64)] = -1  # an edge lies inside: several counts
    cells = rng.integers(CELLS, size=(len(rows), n_draws), dtype=np.uint16)
    for row, table, drawn, edge in zip(rows, tables, cells, edges, strict=True):
        found = table.take(drawn)
        mixed = np.flatnonzero(found < 0)
        places = drawn[mixed] + rng.random(len(mixed))
        found[mixed] = value[np.searchsorted(edge, places, side="right")]
        shares[row] = found
