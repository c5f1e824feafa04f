"""Statistics of a table of runs: pure functions of `runs.csv` and `traces.csv`.

Four rules hold in all of them. A failed run has an infinite cost and an infinite error, it is
never left out (`censored`). The independent unit is the reaction: what is resampled, and what
a test counts. All methods are compared on the same reactions, and with the same resamples.
Only what says nothing about a method is outside: reactions whose endpoints were refused, and
methods that are not installed.
"""
