"""Tables of what was proven: made from the tree of documents, and made anew from it by `rebuild`."""
