"""The two SQLite files of the device. No SQL is written outside this folder."""
