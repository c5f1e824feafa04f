"""One file a guess: `interpolate(reaction, seed, *, frames) -> (frames, N, 3)`, no evaluation."""
