"""The face verifier: face or not, what is visible of it, where it is, and five points."""
