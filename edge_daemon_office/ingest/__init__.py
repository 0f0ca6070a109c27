"""Reads the tree of documents into the tables. Each document is proven once: its signature is verified.

A document that can't be proven is left out and reported as a problem.
"""
