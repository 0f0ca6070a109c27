"""Sends attendance to a student information system with Ed-Fi: compares the wanted events with those that it has.

Only marks other than a plain presence are sent (negative attendance). The category is part of Ed-Fi's key of an event,
so that a changed category is a deletion and then a new event.
"""
