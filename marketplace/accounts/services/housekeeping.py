"""Forget what is no longer needed: ended codes, links, challenges and sessions, browsers long gone, ended counts."""

from marketplace.accounts.services import challenges, devices, passkeys, sessions, tries


def forget_expired() -> None:
    """Drop codes and links a day after their end, sessions a month after theirs, and counts whose window has ended."""
    challenges.forget()
    passkeys.forget()
    sessions.forget()
    devices.forget()
    tries.forget()
