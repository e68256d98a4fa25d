"""What all tests share."""

import pytest
from hypothesis import settings

# A machine stalls for longer than hypothesis' 200 ms now and then: no fault of the code. Time is
# measured in benchmarks/, never here.
settings.register_profile("mirage", deadline=None)
settings.load_profile("mirage")


# They hold no doctests, and as modules of one name they would hide each other.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]


@pytest.fixture(autouse=True)
def own_cache(request, tmp_path_factory, monkeypatch):
    """Keep tests from reading or filling the reader's cache of results.

    The real-data test is the exception: it takes minutes, and what is cached is addressed by the
    content of source, configuration and data.
    """
    if not request.node.get_closest_marker("real_data"):
        monkeypatch.setenv("MIRAGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("MIRAGE_JOBS", "MIRAGE_BACKEND", "MIRAGE_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
