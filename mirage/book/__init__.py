"""Run the notebooks, judge the claims, build the book."""

import sys

# Where rfc3987_syntax is installed (JupyterLab brings it), jsonschema builds a grammar of addresses
# with it for two seconds in each process that reads a notebook. No schema here checks addresses.
sys.modules.setdefault("rfc3987_syntax", None)
