"""Readers of evaluation results, by format: from files to score tables."""
