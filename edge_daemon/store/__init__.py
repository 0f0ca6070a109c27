"""The SQLite files of the device. All SQL is in this folder."""
