"""Speed and memory, as ratios against named baselines measured in the same run.

``python -m benchmarks`` runs all of them, ``python -m benchmarks lenet`` one. Each module has a
``run()`` that returns rows: benchmark, value, unit, baseline, ratio, target, met. Times vary with
the machine and its load, ratios much less; nothing here is asserted in a test.
"""
