"""Attendance for a student information system by Ed-Fi: what should be there, what is there, and the difference.

Only what is not a plain presence is sent (negative attendance). The category is part of Ed-Fi's key of an event, so
that a change of it is a deletion and a new event, in this order.
"""
