"""The laboratory: experiments that must never be part of a lesson (docs/LAB.md).

Only `cli/lab.py` imports it. It imports neither gallery, store nor attendance, and nothing of `app/`.
"""
