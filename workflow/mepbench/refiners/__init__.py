"""One file a refiner: `refine(reaction, oracle, peak, seed, *, fmax, options) -> Peak`."""
