"""From the tree of documents to the tables: each document is proven once, and what can't be believed is a problem."""
