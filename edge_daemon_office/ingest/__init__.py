"""Reads the tree of documents into the tables: each document is proven once, and an untrusted one is a problem."""
