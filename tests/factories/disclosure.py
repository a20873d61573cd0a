"""Announcements that one person wrote and another released."""

from typing import Any

from marketplace.accounts.values import Role
from marketplace.disclosure import services
from marketplace.disclosure.values import Announcement, AnnouncementKind, NewAnnouncement
from marketplace.kernel.text import LocalizedText
from marketplace.traceability.values import Actor, ActorRole
from tests.factories.accounts import a_member_of_staff

ORIGIN = "market.example/log"
TOLD: dict[str, LocalizedText | None] = {
    "title": LocalizedText("Maintenance", "系统维护"),
    "text": LocalizedText("The computers are moved.", "机房搬迁。"),
    "handling": LocalizedText("Applications wait.", "投保申请予以保留。"),
}


def an_announcement(kind: AnnouncementKind = AnnouncementKind.OTHER, **changes: Any) -> Announcement:
    """Released by another person than its author. Commits nothing."""
    author, second = (a_member_of_staff(Role.ADMIN_OWNER) for _ in range(2))
    draft = services.draft_announcement(NewAnnouncement(kind, **TOLD | changes), author.id)
    return services.release_announcement(draft.id, ORIGIN, Actor(ActorRole.ADMIN, second.id, second.role.value))
