"""Alerts by mail: what each account should learn without looking, once, in one mail."""
