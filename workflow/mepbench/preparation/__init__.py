"""From what a set gives to two proven minima: SMILES, conformers, complexes, checks."""
