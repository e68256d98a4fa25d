"""Emergent abilities: is the jump in the model, or in the metric?

The package behind the book. It reads in one direction:
outcomes → metric → score table → statistics → figure → claim.
"""

__version__ = "0.1.0"
