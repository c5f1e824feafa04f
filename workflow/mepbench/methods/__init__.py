"""One file a method: `solve(reaction, oracle, guess, seed, *, options) -> Path`."""
