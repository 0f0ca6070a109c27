"""The first start of a card from provisioning/make_cards.py: sets up identity, room, keys, settings and services.

All data comes from the folder `edge-daemon` on the boot partition. Every step is safe to repeat, so the next start
continues after a power cut at any point.

First the whole folder is checked, and nothing changes unless it is valid. Then the program sets up credentials, keys
and settings. Host name, time zone, network, watchdog, identity and services follow. The boot partition is wiped only
when all of this is on the disk. card.json is removed last, because the unit runs again while it exists.
"""

PUBLIC_MODULES = ("host_setup", "identity", "steps")
"""The modules that `cli` and other folders of `app/` may import; all others are internal."""
