"""Alipay and WeChat Pay: which currencies they take, how the person is led to them, how money goes back.

Source: docs.stripe.com/payments/alipay and docs.stripe.com/payments/wechat-pay. Currencies are those of all business
locations. Refunds of both are asynchronous, and neither knows disputes.
"""

from dataclasses import dataclass

import segno

from sandbox.stripe_simulator.errors import JsonObject

MethodType = str
"""`card`, `alipay` or `wechat_pay`."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """`refund_days` after the payment a refund can no longer be asked for."""

    currencies: frozenset[str]
    refund_days: int


_ALIPAY = "aud cad cny eur gbp hkd jpy myr nzd sgd usd"
_WECHAT_PAY = "aud cad chf cny dkk eur gbp hkd jpy nok sek sgd usd"
WALLETS = {
    "alipay": Wallet(frozenset(_ALIPAY.split()), refund_days=90),
    "wechat_pay": Wallet(frozenset(_WECHAT_PAY.split()), refund_days=180),
}


def offered(currency: str) -> list[MethodType]:
    """The methods a currency can be paid with, when nobody names any: cards, and the wallets that take it."""
    return ["card", *(name for name, wallet in WALLETS.items() if currency in wallet.currencies)]


def next_action(kind: MethodType, page: str, return_url: str | None) -> JsonObject:
    """What the person has to do next: be sent to Alipay, or scan WeChat's code."""
    if kind == "alipay":
        redirect = {"native_data": None, "native_url": None, "return_url": return_url, "url": page}
        return {"type": "alipay_handle_redirect", "alipay_handle_redirect": redirect}
    code = {
        "data": page,
        "hosted_instructions_url": f"{page}/code",
        "image_data_url": qr_code(page),
        "image_url_png": f"{page}/code.png",
        "image_url_svg": f"{page}/code.svg",
    }
    return {"type": "wechat_pay_display_qr_code", "wechat_pay_display_qr_code": code}


def qr_code(address: str) -> str:
    """A picture as an address of its own (`data:`)."""
    return str(segno.make(address, error="m").svg_data_uri(scale=5))
