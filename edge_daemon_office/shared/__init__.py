"""A copy of modules of `edge_daemon`: change them there, run `python -m tests.office.shared_code`."""
