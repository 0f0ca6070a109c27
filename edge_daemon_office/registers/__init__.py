"""Tables of verified documents, made from the tree; `rebuild` makes them again."""
