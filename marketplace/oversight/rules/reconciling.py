"""What a browser recorded of a page held against what the form brought: two witnesses of one act, by field and by time.

The form and our clock prove; the browser's word is secondary and may be made up. So a difference is told, never mended,
and nothing a browser says can break the comparison: what is not understood says nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.oversight.values import Disagreement, Mismatch
from marketplace.traceability.values import ActorRole, Entry, EntryType

APART = timedelta(seconds=60)
"""So far from our clock may be when a browser says the form was sent, its own clock put right."""

_BOXES: Mapping[EntryType, str] = {
    EntryType.DOCUMENT_CONFIRMED: "confirm",
    EntryType.EXCLUSIONS_CONFIRMED: "confirm",
    EntryType.APPLICATION_SUBMITTED: "declare",
    EntryType.OWN_WILL_CONFIRMED: "own_will",
    EntryType.HEALTH_NOTICE_ACKNOWLEDGED: "notice",
    EntryType.HEALTH_CONSENT_GIVEN: "health_consent",
}
"""By which box of a form each of these is ticked."""

_CONTROLS = ("input", "select", "textarea")
_MASKED = "*"
_BY_CUSTOMER = frozenset({ActorRole.VISITOR, ActorRole.CUSTOMER})
# What kinds of events are, and where they are from (rrweb).
_SNAPSHOT, _MUTATION, _INPUT, _SENT = (2, None), (3, 0), (3, 5), (5, None)
_ANSWERS = {"yes": True, "no": False}
_APART_MS = APART.total_seconds() * 1000


@dataclass
class _Form:
    """The controls of a page by their number in the recording, which boxes were ticked when it was shown, and how all
    stood when the form was last sent.
    """

    controls: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    preset: frozenset[str] = frozenset()
    ticked: dict[str, bool] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    sent_at: int | None = None

    def take(self, event: Mapping[str, Any]) -> None:
        data = event["data"]
        kind = event["type"], data.get("source")
        if kind == _SNAPSHOT:
            is_first = not self.controls
            self._add(data["node"])
            if is_first:
                self.preset = frozenset(name for name, is_ticked in self.ticked.items() if is_ticked)
        elif kind == _MUTATION:
            for added in _list(data.get("adds")):
                self._add(added.get("node") if isinstance(added, dict) else None)
        elif kind == _INPUT:
            self._put_in(self.controls.get(_number(data.get("id")), {}), data.get("text"), data.get("isChecked"))
        elif kind == _SENT:
            self.sent_at = event["timestamp"]

    def _add(self, node: Any) -> None:
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if not isinstance(each, dict):
                continue
            waiting += _list(each.get("childNodes"))
            control = each.get("attributes")
            if each.get("tagName") in _CONTROLS and isinstance(control, dict):
                self.controls[_number(each.get("id"))] = control
                self._put_in(control, control.get("value"), control.get("checked"))

    def _put_in(self, control: Mapping[str, Any], text: Any, checked: Any) -> None:
        name, kind = control.get("name"), control.get("type")
        if not isinstance(name, str):
            return
        if kind == "checkbox":
            self.ticked[name] = checked is True
        elif kind == "radio":
            self.values.setdefault(name, "")
            if checked is True:
                self.values[name] = str(control.get("value"))
        else:
            self.values[name] = text if isinstance(text, str) else ""


def disagreements(recordings: Mapping[UUID, Mapping[str, Any]], entries: Sequence[Entry]) -> tuple[Disagreement, ...]:
    """Of an application: `recordings` by the entry that showed the page; `entries` in their order."""
    found: list[Disagreement] = []
    for place, view in enumerate(entries):
        if view.id in recordings:
            acts, again = acts_on(view, entries[place + 1 :])
            earlier = {each.type for each in entries[:place] if _is_act_on(each, view)}
            recording = recordings[view.id]
            form = _form_of(recording)
            found += _ticked_beforehand(view, form, entries[:place])
            found += _of_acts(view, recording, form, acts)
            if acts or not again:
                found += _not_carried(view, form, {each.type for each in acts} | earlier)
    return tuple(found)


def acts_on(view: Entry, following: Sequence[Entry]) -> tuple[tuple[Entry, ...], bool]:
    """What the customer did with the form of a page before it was shown again, and whether it was."""
    again = next((place for place, each in enumerate(following) if _shows_again(each, view)), None)
    return tuple(each for each in following[:again] if _is_act_on(each, view)), again is not None


def _shows_again(entry: Entry, view: Entry) -> bool:
    return entry.page_sha256 is not None and entry.page_version_id == view.page_version_id


def _is_act_on(entry: Entry, view: Entry) -> bool:
    """What the customer did with the form of that page."""
    on_page = entry.page_version_id == view.page_version_id and entry.page_sha256 is None
    return on_page and entry.actor.role in _BY_CUSTOMER and entry.type is not EntryType.PAGE_LEFT


def _form_of(recording: Mapping[str, Any]) -> _Form:
    form = _Form()
    for event in recording["events"]:
        form.take(event)
    return form


def _ticked_beforehand(view: Entry, form: _Form, before: Sequence[Entry]) -> Iterator[Disagreement]:
    """Boxes that came ticked, though the page does not show again what was just sent, or was entered on it before."""
    if view.body.get("status", HTTPStatus.OK) == HTTPStatus.OK and not any(_is_act_on(each, view) for each in before):
        for box in sorted(form.preset & set(_BOXES.values())):
            yield Disagreement(Mismatch.TICKED_BEFOREHAND, view.id, None, box)


def _of_acts(view: Entry, recording: Mapping[str, Any], form: _Form, acts: Sequence[Entry]) -> Iterator[Disagreement]:
    """What the form brought and the browser tells otherwise, or not at all where it tells everything."""
    whole = bool(form.controls) and recording["left"] and not recording["cut"] and not recording["missing"]
    for act in acts:
        box, name = _BOXES.get(act.type), _field_of(act)
        if box is not None:
            if whole and not form.ticked.get(box):
                yield Disagreement(Mismatch.TICK_NOT_REPORTED, view.id, act.id, box)
        elif name in form.values and _says_otherwise(act, form.values[name]):
            yield Disagreement(Mismatch.VALUE_DIFFERS, view.id, act.id, name)
    if not acts:
        return
    if form.sent_at is None:
        if whole:
            yield Disagreement(Mismatch.NOT_SENT, view.id, acts[0].id, "")
    elif abs(acts[0].recorded_at.timestamp() * 1000 - form.sent_at - recording["clock_ahead"]) > _APART_MS:
        yield Disagreement(Mismatch.TIMES_APART, view.id, acts[0].id, "")


def _not_carried(view: Entry, form: _Form, entered: set[EntryType]) -> Iterator[Disagreement]:
    """Boxes that the browser says were ticked when the form was sent, and of which nothing was entered."""
    known = {box for type_, box in _BOXES.items() if type_ in entered}
    for box in sorted(set(_BOXES.values()) - known):
        if form.sent_at is not None and form.ticked.get(box):
            yield Disagreement(Mismatch.TICK_NOT_CARRIED, view.id, None, box)


def _field_of(act: Entry) -> str:
    return str(act.body.get("field", act.body.get("question", ""))).replace(".", "_")


def _says_otherwise(act: Entry, told: str) -> bool:
    """Whether the salted hash of what was entered is of something else than the browser told."""
    new = act.body.get("new")
    if told == _MASKED or not isinstance(new, Mapping):
        return False
    spelled = " ".join(told.split())
    candidates = (_ANSWERS.get(told, told), told, spelled, spelled.lower())
    salt = bytes.fromhex(new["salt"])
    return all(sha256_hex(salt + canonical_bytes(each)) != new["sha256"] for each in candidates)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> int:
    return value if type(value) is int else -1
