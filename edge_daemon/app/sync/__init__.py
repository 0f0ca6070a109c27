"""`edge-daemon sync`: the process that has the network. It sees neither the gallery nor the device key.

A session (`sync_session.py`) takes the lock. Its run (`sync_run.py`) asks the office what is new
(`office_receiver.py`), delivers what is due, and sends the state of the device (`heartbeat.py`) and its events day by
day (`day_documents.py`). It leaves a note (`store/sync_note.py`).
"""

PUBLIC_MODULES = ("office_copy", "receiver_settings", "sync_result", "sync_session")
"""What `cli` and other programs may import of this one; everything else is internal."""
