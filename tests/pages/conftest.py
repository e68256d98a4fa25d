"""What tests of several pages share."""

import pytest

from mirage.book import claims


@pytest.fixture
def few_count(monkeypatch):
    """Let shares of a handful be shares, so that they can be counted by hand."""
    monkeypatch.setattr(claims, "FEWEST", 1)
