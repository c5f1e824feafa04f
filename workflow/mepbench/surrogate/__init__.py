"""The surrogate of a reaction's surface: a Gaussian process on energies and gradients."""
