"""Forget what is no longer needed: ended codes, links, challenges and sessions, browsers long gone, ended counts,
applications of insurers that nobody confirmed.
"""

from marketplace.accounts.services import challenges, devices, onboarding, passkeys, sessions, tries


def forget_expired() -> None:
    """Drop codes and links a day after their end, and applications of insurers with theirs; sessions a month after
    their end; counts whose window has ended.
    """
    challenges.forget()
    passkeys.forget()
    sessions.forget()
    devices.forget()
    tries.forget()
    onboarding.forget_unconfirmed()
