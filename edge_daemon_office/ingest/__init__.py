"""Reads the tree of documents into the tables. Each document is verified once, by its signature.

A document that can't be verified is left out and reported as a problem.
"""
