"""Accounts of the office: the people who may sign in, and what each role may see."""
