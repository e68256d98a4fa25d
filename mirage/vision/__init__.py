"""Emergence induced in vision networks: one module per family, model and configuration."""
