"""Reports as mail servers send them back (RFC 3464)."""

HEAD = "From: service@evenfold.example\r\nTo: li.na@customer.example\r\nMessage-ID: {message_id}\r\nSubject: x\r\n"


def a_report(
    message_id: str = "<42@evenfold.example>",
    *,
    action: str = "failed",
    status: str = "5.1.1",
    returned: str = "message/rfc822",
    kind: str = "delivery-status",
) -> bytes:
    """As Postfix words it; `returned` says whether the whole message comes back or its head alone."""
    head = HEAD.format(message_id=message_id)
    lines = [
        "From: MAILER-DAEMON@mx.customer.example",
        "To: returns@evenfold.example",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind};\r\n boundary="4F1C.1700000000/mx"',
        "",
        "--4F1C.1700000000/mx",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "",
        "--4F1C.1700000000/mx",
        "Content-Description: Delivery report",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.customer.example",
        "X-Postfix-Queue-ID: 4F1C",
        "Arrival-Date: Mon, 23 Nov 2026 12:00:00 +0800 (CST)",
        "",
        "Final-Recipient: rfc822; li.na@customer.example",
        "Original-Recipient: rfc822;li.na@customer.example",
        f"Action: {action}",
        f"Status: {status}",
        "Diagnostic-Code: smtp; 550 5.1.1 <li.na@customer.example>: user unknown",
        "",
        "--4F1C.1700000000/mx",
        f"Content-Type: {returned}",
        "",
        head + ("\r\nYour policy\r\n" if returned == "message/rfc822" else ""),
        "--4F1C.1700000000/mx--",
        "",
    ]
    return "\r\n".join(lines).encode()
