"""Fixtures of several files of this folder."""

from tests.disks import ext4_disk, small_disk

__all__ = ["ext4_disk", "small_disk"]
