"""Forget what is no longer needed: ended codes and links, counts of ended windows."""

from marketplace.accounts.services import challenges, tries


def forget_expired() -> None:
    """Drop codes and links a day after their end and counts whose window has ended."""
    challenges.forget()
    tries.forget()
