"""Alerts by mail: each new event is reported once to the accounts that it concerns, all of them in one mail."""
