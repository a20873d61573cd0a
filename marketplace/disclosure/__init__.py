"""What the marketplace itself says: notices a customer reads and sentences a customer agrees to, by version, and what
its staff announce to everybody.

Owns the text; a version or an announcement, once public, is never changed or removed. Refuses: a wording typed into a
template, an announcement released by its author, one that comes later than the law has it.
"""
