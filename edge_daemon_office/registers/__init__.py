"""Tables of proven documents, made from the tree; `rebuild` makes them again."""
