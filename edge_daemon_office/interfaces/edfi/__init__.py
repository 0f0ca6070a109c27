"""Sends attendance to a student information system with Ed-Fi, until the system has exactly the wanted events.

Only marks other than a plain presence are sent (negative attendance). The category is part of Ed-Fi's key of an event,
so that a changed category is a deletion and then a new event.
"""
