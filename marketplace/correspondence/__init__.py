"""Every message to a person.

Owns the row of each message: what is said, to whom, in which language, whether it arrived at the mail server. Promises:
one message per kind and subject however often it is asked for, one Message-ID and the same bytes on each try, at least
one delivery. Refuses to decide when to write: process packages and entry points queue.
"""
