"""Molecules as graphs: bonds, signs of centres and double bonds, relabellings, atom maps."""
