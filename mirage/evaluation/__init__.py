"""Ask any language model the paper's arithmetic: backends, journal, results."""
