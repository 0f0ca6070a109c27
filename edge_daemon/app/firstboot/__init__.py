"""The first start of a card that was prepared by provisioning/make_cards.py: who am I, what is my room, here is my key.

Everything is done from the folder `edge-daemon` of the boot partition, and everything may be done again: a power cut at
any point is made up for by the next start. In order: look at the whole folder, and change nothing unless it is right;
credentials; keys; settings; name, time zone, network, watchdog; who I am; services; and only then, when all of it is on
the disk, wipe the boot partition. card.json goes last: while it is there the unit runs again.
"""

PUBLIC_MODULES = ("host_setup", "identity", "steps")
"""What `cli` and other programs may import of this one; everything else is internal."""
