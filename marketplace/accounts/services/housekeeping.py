"""Forget what is no longer needed: ended codes, links, challenges and sessions, browsers long gone, ended counts,
invitations that are over. Applications of insurers that nobody confirmed are forgotten by privacy, with their papers.
"""

from marketplace.accounts.services import challenges, devices, inviting, passkeys, sessions, tries


def forget_expired() -> None:
    """Drop codes, links and invitations a day after their end; sessions a month after theirs; counts whose window has
    ended.
    """
    challenges.forget()
    passkeys.forget()
    sessions.forget()
    devices.forget()
    tries.forget()
    inviting.forget()
