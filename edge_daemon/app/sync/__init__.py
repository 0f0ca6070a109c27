"""`edge-daemon sync`: the process that has the network. It sees neither the gallery nor the device key.

A session (`session.py`) takes the lock; its run (`run.py`) asks the office what is new (`office.py`), delivers what is
due, tells how the device is (`heartbeat.py`) and what happened day by day (`days.py`); it leaves a note (`note.py`).
"""
