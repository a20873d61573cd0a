"""What is read of a report, and that nothing which anybody may write to that mailbox does more than not be read."""

import pytest

from marketplace.correspondence import intake
from marketplace.correspondence.intake import read_report
from marketplace.correspondence.values import DeliveryReport
from tests.factories.delivery_reports import a_report

ID = "<42@evenfold.example>"
REPORT = a_report(ID)


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
def test_the_whole_message_or_its_head_may_come_back(returned: str) -> None:
    assert read_report(a_report(ID, returned=returned)) == DeliveryReport(ID, "failed", "5.1.1")


@pytest.mark.parametrize(
    ("action", "status", "read"),
    [
        ("failed", "5.2.2 (mailbox full)", ("failed", "5.2.2")),
        ("FAILED", "4.4.7", ("failed", "4.4.7")),
        ("failed", "nonsense", ("failed", "5.0.0")),
        ("failed", "5.1.1\r\n x", ("failed", "5.1.1")),
        ("delayed", "4.4.1", ("delayed", "4.4.1")),
        ("delayed", "", ("delayed", "4.0.0")),
        ("delivered", "2.0.0", ("delivered", "2.0.0")),
        ("relayed", "2.0.0", ("relayed", "2.0.0")),
    ],
)
def test_what_the_server_says_is_read(action: str, status: str, read: tuple[str, str]) -> None:
    assert read_report(a_report(ID, action=action, status=status)) == DeliveryReport(ID, *read)


def test_a_report_with_a_failure_among_others_is_one_of_failure() -> None:
    two = REPORT.replace(
        b"Final-Recipient:",
        b"Final-Recipient: rfc822; b@x.example\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient:",
    )
    assert read_report(two) == DeliveryReport(ID, "failed", "5.1.1")


def test_of_two_heads_that_are_claimed_the_one_that_came_back_counts() -> None:
    assert read_report(REPORT.replace(b"\r\n\r\n", b"\r\nMessage-ID: <other@x.example>\r\n\r\n", 1)) == DeliveryReport(
        ID, "failed", "5.1.1"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff" * 500,
        b"From: a@b.example\r\nSubject: out of office\r\n\r\nBack on Monday.\r\n",
        a_report(ID, kind="disposition-notification"),
        a_report("no id at all"),
        REPORT.replace(b"Action: failed", b"Action: obliterated"),
        REPORT.replace(b"message/delivery-status", b"text/plain"),
        REPORT.replace(b"message/rfc822", b"text/plain"),
        REPORT[:700],
        REPORT.replace(b'boundary="4F1C.1700000000/mx"', b"boundary=never"),
        REPORT.replace(b"us-ascii", b"no-such-charset").replace(b"Message-ID", b"X"),
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=a\r\n\r\n"
        + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 3000,
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: message/rfc822\r\n\r\n\r\n" * 3000,
        b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(3000)),
    ],
    ids=[
        "empty", "noise", "out of office", "read receipt", "no id", "unknown action", "no status", "nothing back",
        "cut", "wrong boundary", "unknown charset", "nested", "many parts", "matryoshka",
    ],
)  # fmt: skip
def test_what_is_no_report_is_not_read_and_raises_nothing(data: bytes) -> None:
    assert read_report(data) is None


def test_a_report_that_gives_a_long_message_back_is_read_from_its_beginning() -> None:
    long = REPORT.replace(b"Your policy", b"JVBERi0xLjcK" * 200_000)
    assert len(long) > 2_000_000
    assert read_report(long) == DeliveryReport(ID, "failed", "5.1.1")


def test_partitions_without_end_are_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line would be held against each of them: a megabyte would take minutes."""
    monkeypatch.setattr(intake, "message_from_bytes", lambda _data: pytest.fail("parsed"))
    parts = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; BOUNDARY=b%d\r\n\r\n" % (each, each + 1) for each in range(50)
    )
    assert read_report(REPORT + parts) is None


def test_a_report_that_names_many_ids_names_the_first_and_no_long_one() -> None:
    assert read_report(a_report("<1@x.example> <2@x.example>")) == DeliveryReport("<1@x.example>", "failed", "5.1.1")
    assert read_report(a_report(f"<{'a' * 900}@x.example>")) is None
