"""`edge-daemon sync`: the process that has the network. It has neither the gallery nor the device key.

A session (`sync_session.py`) takes the lock. Its run (`sync_run.py`) first fetches the office's documents
(`office_receiver.py`) and delivers what is due. Then it sends the state of the device (`heartbeat.py`) and its daily
event logs (`day_documents.py`). It leaves a note (`store/sync_note.py`).
"""

PUBLIC_MODULES = ("office_copy", "receiver_settings", "sync_result", "sync_session")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
