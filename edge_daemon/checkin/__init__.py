"""The spoken phrase: how a mouth moves while somebody says their own words."""
