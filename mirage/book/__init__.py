"""Run the notebooks, judge the claims, build the book."""
