"""The chemistry-informed path: network, losses, quadrature, training."""
