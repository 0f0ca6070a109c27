"""Accounts of the office: who may sign in, and what each role may see."""
