"""Every sentence of the hosted pages, in English and Simplified Chinese.

The pages are Stripe's in production, so their words are not in the product's catalog.
"""

from dataclasses import dataclass

from werkzeug.datastructures import LanguageAccept


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. `babel` names it for amounts; `refusals` go by Stripe's decline code, else its error code."""

    lang: str
    babel: str
    banner: str
    pay_title: str
    total: str
    email: str
    number: str
    expiry: str
    expiry_hint: str
    cvc: str
    cvc_hint: str
    name: str
    pay: str
    back: str
    problem_title: str
    cards_title: str
    cards_intro: str
    use: str
    card_is_paid: str
    card_asks: str
    email_wrong: str
    number_wrong: str
    number_not_test: str
    expiry_wrong: str
    cvc_wrong: str
    refusals: dict[str, str]
    over_title: str
    expired_body: str
    complete_title: str
    complete_body: str
    unknown_title: str
    unknown_body: str
    return_to_shop: str
    bank_title: str
    bank_body: str
    bank_yes: str
    bank_no: str
    bank_over_title: str
    bank_over_body: str
    back_to_payment: str
    bank_done_title: str
    bank_done_body: str
    bank_failed: str


ENGLISH = Wording(
    lang="en",
    babel="en",
    banner="TEST MODE – no money moves. Never type a real card number here.",
    pay_title="Pay by card",
    total="Total",
    email="E-mail",
    number="Card number",
    expiry="Expiry date",
    expiry_hint="Month and year, as on the card: MM / YY",
    cvc="Security code",
    cvc_hint="Three digits on the back, or four on the front",
    name="Name on the card",
    pay="Pay {amount}",
    back="Go back without paying",
    problem_title="The payment was not made",
    cards_title="Test cards",
    cards_intro="Choose what should happen; the card is filled in for you.",
    use="Use {number}",
    card_is_paid="The payment goes through.",
    card_asks="The bank asks you to confirm (3-D Secure).",
    email_wrong="Enter an e-mail address, like name@example.com.",
    number_wrong="The card number is not complete or has a wrong digit.",
    number_not_test="This is not one of the published test cards. Nothing was charged or kept.",
    expiry_wrong="Enter a date in the future as MM / YY.",
    cvc_wrong="Enter the three digits of the security code (four for American Express).",
    refusals={
        "generic_decline": "Your card was declined. You can try another card.",
        "insufficient_funds": "The card does not have enough money for this payment. You can try another card.",
        "lost_card": "Your card was declined. You can try another card.",
        "stolen_card": "Your card was declined. You can try another card.",
        "expired_card": "The card has expired. You can try another card.",
        "incorrect_cvc": "The security code is not right. Check it, or try another card.",
        "processing_error": "The card could not be checked just now. Wait a moment and try again.",
    },
    over_title="This payment page has closed",
    expired_body="Its time is over or the order has changed. Nothing was paid. Go back and start the payment again.",
    complete_title="This order is already paid",
    complete_body="You do not need to pay again.",
    unknown_title="There is no such payment page",
    unknown_body="Check the address, or go back to where you came from.",
    return_to_shop="Return to the shop",
    bank_title="Your bank asks you to confirm",
    bank_body="A payment of {amount} with the card ending in {last4}. This stands for the bank's own page.",
    bank_yes="Confirm the payment",
    bank_no="Refuse",
    bank_over_title="There is nothing to confirm",
    bank_over_body="The payment has moved on since this page was opened.",
    back_to_payment="Back to the payment",
    bank_done_title="Thank you",
    bank_done_body="Your answer was passed on. You can close this page.",
    bank_failed="The bank did not confirm the payment. You can try again or use another card.",
)

CHINESE = Wording(
    lang="zh-Hans",
    babel="zh_Hans_CN",
    banner="测试模式：不会发生任何真实扣款。请勿在此输入真实卡号。",
    pay_title="银行卡支付",
    total="合计",
    email="电子邮箱",
    number="卡号",
    expiry="有效期",
    expiry_hint="卡面上的月份和年份：MM / YY",
    cvc="安全码",
    cvc_hint="卡背面的三位数字，或卡正面的四位数字",
    name="持卡人姓名",
    pay="支付 {amount}",
    back="不支付，返回",
    problem_title="支付未完成",
    cards_title="测试卡",
    cards_intro="选择希望发生的情形，卡号会自动填好。",
    use="使用 {number}",
    card_is_paid="支付成功。",
    card_asks="银行会要求您确认（3-D Secure）。",
    email_wrong="请输入电子邮箱，例如 name@example.com。",
    number_wrong="卡号不完整或有误。",
    number_not_test="这不是公开的测试卡。没有扣款，也没有保存卡号。",
    expiry_wrong="请按 MM / YY 输入一个未来的日期。",
    cvc_wrong="请输入三位安全码（美国运通卡为四位）。",
    refusals={
        "generic_decline": "您的卡被拒绝。您可以换一张卡。",
        "insufficient_funds": "卡内余额不足。您可以换一张卡。",
        "lost_card": "您的卡被拒绝。您可以换一张卡。",
        "stolen_card": "您的卡被拒绝。您可以换一张卡。",
        "expired_card": "此卡已过期。您可以换一张卡。",
        "incorrect_cvc": "安全码不正确。请核对，或换一张卡。",
        "processing_error": "暂时无法核验此卡。请稍后再试。",
    },
    over_title="此支付页面已关闭",
    expired_body="页面已超时，或订单已变更。没有扣款。请返回并重新开始支付。",
    complete_title="此订单已支付",
    complete_body="您无需再次支付。",
    unknown_title="没有这个支付页面",
    unknown_body="请核对网址，或返回之前的页面。",
    return_to_shop="返回商家",
    bank_title="银行请您确认",
    bank_body="用尾号 {last4} 的卡支付 {amount}。本页代替银行自己的页面。",
    bank_yes="确认支付",
    bank_no="拒绝",
    bank_over_title="没有需要确认的内容",
    bank_over_body="本页打开之后，支付状态已经改变。",
    back_to_payment="返回支付页面",
    bank_done_title="谢谢",
    bank_done_body="您的答复已转达。可以关闭本页。",
    bank_failed="银行没有确认此次支付。您可以重试或换一张卡。",
)


def wording_for(locale: str | None, accepted: LanguageAccept) -> Wording:
    """By the session's locale; `auto` or none follows the browser. Languages we do not have read English."""
    if locale is None or locale == "auto":
        locale = accepted.best_match(["en", "zh", "zh-CN", "zh-Hans"], default="en")
    return CHINESE if locale.startswith("zh") else ENGLISH
