"""The school office of the classroom attendance daemon: pages, accounts, corrections and excuses.

A distribution of its own (`edge-daemon-office`). It reads the tree of signed documents that the devices deliver. It
imports nothing of a device, and its environment holds neither NumPy nor OpenCV. docs/OFFICE.md describes it.
"""

__version__ = "0.2.0"
