"""Runs that others submit: packed, judged anew from their geometries, and shown in one table."""
