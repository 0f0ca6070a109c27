"""The spoken phrase: how a mouth moves while a student says a phrase of their own."""
