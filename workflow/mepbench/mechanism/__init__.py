"""The whole way from reactant to product: minima and proven saddles between them, as a network."""
