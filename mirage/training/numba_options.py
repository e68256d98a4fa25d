"""How the project's numba kernels are compiled."""

# Sums may be reordered (that is what vectorising them means); NaN and ∞ keep their meaning, so
# that a diverged model is seen to diverge.
OPTIONS = {
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
    "cache": True,
    "nogil": True,
}
