"""A network potential: its layers, the ensemble, the file that its weights are in."""
