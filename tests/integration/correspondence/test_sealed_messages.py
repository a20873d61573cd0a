"""What is written to people lies sealed; a list of messages asks the keeper once."""

from collections.abc import Iterator, Sequence

import pytest
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace.correspondence import queries, services
from marketplace.correspondence.values import MessageKind
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.keeper import Wrapped
from tests.deferred_jobs import drain
from tests.factories.correspondence import a_message

pytestmark = pytest.mark.usefixtures("database")


class Counting(vault.RemoteKeeper):
    """The keeper, with a note of how many keys each question asked for."""

    asked: list[int]

    def unwrap(self, items: Sequence[Wrapped]) -> list[bytes]:
        self.asked.append(len(items))
        return super().unwrap(items)


@pytest.fixture
def keeper(settings: Settings) -> Iterator[Counting]:
    counting = Counting(settings.keeper_socket)
    counting.asked = []
    vault.configure(counting)
    yield counting
    vault.configure(vault.RemoteKeeper(settings.keeper_socket))


def queued(number: int) -> list[str]:
    addresses = [f"reader-{place}@example.com" for place in range(number)]
    for address in addresses:
        services.queue(a_message(MessageKind.APPLICATION_CODE, recipient=address))
    drain("correspondence")
    vault.forget()
    return addresses


@pytest.mark.parametrize("number", [1, 20])
def test_a_list_asks_the_keeper_once_however_long_it_is(keeper: Counting, number: int) -> None:
    addresses = queued(number)
    keeper.asked.clear()
    assert sorted(message.recipient for message in queries.inbox()) == sorted(addresses)
    assert keeper.asked == [number]


def test_mail_to_an_address_is_found_without_reading_the_others(app: Flask, keeper: Counting) -> None:
    queued(5)
    keeper.asked.clear()
    (found,) = queries.inbox(recipient="reader-3@example.com")
    assert found.recipient == "reader-3@example.com"
    assert keeper.asked == [1]


@pytest.mark.asvs("14.2.4")
def test_no_word_of_a_message_lies_in_the_clear(keeper: Counting) -> None:
    queued(1)
    kept = db.session.execute(text("SELECT m::text FROM correspondence_message m")).scalar_one()
    (message,) = queries.inbox()
    assert message.subject is not None
    for words in ("reader-0", "example.com", "482913", message.subject):
        assert words not in kept
        assert words.encode().hex() not in kept
