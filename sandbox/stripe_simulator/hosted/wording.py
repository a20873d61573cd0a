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
    wallets: dict[str, str]
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
    bank_keep_body: str
    bank_yes: str
    bank_no: str
    bank_over_title: str
    bank_over_body: str
    back_to_payment: str
    bank_done_title: str
    bank_done_body: str
    keep_title: str
    keep: str
    keep_problem_title: str
    other_ways: str
    pay_with: str
    more_cards: str
    card_dispute: str
    card_inquiry: str
    card_refund_later: str
    card_refund_fails: str
    card_at_once: str
    on_its_way_title: str
    on_its_way_body: str
    wallet_title: str
    wallet_body: str
    wallet_yes: str
    wallet_later: str
    wallet_never: str
    wallet_refund_fails: str
    code_title: str
    code_body: str
    code_picture: str
    code_scan: str
    code_done: str
    setup_title: str
    setup_body: str
    setup_finish: str
    setup_leave: str
    identity_title: str
    identity_body: str
    identity_first: str
    identity_last: str
    identity_birth: str
    identity_submit: str
    identity_later: str
    identity_decline: str
    identity_leave: str
    identity_fail: str
    identity_incomplete: str
    identity_over_title: str
    identity_over_body: str


ENGLISH = Wording(
    lang="en",
    babel="en",
    wallets={"alipay": "Alipay", "wechat_pay": "WeChat Pay"},
    banner="TEST MODE – no money moves. Never type a real card number here.",
    pay_title="Pay",
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
        "not_authenticated": "The bank did not confirm the payment. You can try again or use another card.",
        "wallet_refused": "The payment was not confirmed there. You can try again or pay another way.",
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
    bank_keep_body=(
        "The card ending in {last4} is to be kept for later payments. This stands for the bank's own page."
    ),
    bank_yes="Confirm",
    bank_no="Refuse",
    bank_over_title="There is nothing to confirm",
    bank_over_body="The payment has moved on since this page was opened.",
    back_to_payment="Back to the payment",
    bank_done_title="Thank you",
    bank_done_body="Your answer was passed on. You can close this page.",
    keep_title="Keep a card for later payments",
    keep="Keep the card",
    keep_problem_title="The card was not kept",
    other_ways="Other ways to pay",
    pay_with="Pay with {wallet}",
    more_cards="More test cards",
    card_dispute="The payment goes through, then the customer's bank takes it back.",
    card_inquiry="The payment goes through, then the customer's bank asks about it.",
    card_refund_later="The payment goes through; a refund of it takes a while.",
    card_refund_fails="The payment goes through; a refund of it fails after a while.",
    card_at_once="The payment goes through, and its money can be used at once.",
    on_its_way_title="The payment is on its way",
    on_its_way_body="It was taken on and the money has not arrived yet. You do not need to pay again.",
    wallet_title="Confirm the payment in {wallet}",
    wallet_body="A payment of {amount}. This stands for {wallet}'s own page. Choose what should happen.",
    wallet_yes="Confirm the payment",
    wallet_later="Confirm; the money comes a little later",
    wallet_never="Confirm; the money never comes",
    wallet_refund_fails="Confirm; a refund of it will fail",
    code_title="Pay with WeChat Pay",
    code_body="Scan the code to pay {amount}. No phone is needed here: follow the link instead of scanning.",
    code_picture="The code to scan with WeChat",
    code_scan="Go where the code leads",
    code_done="I have paid",
    setup_title="Set up payments for your company",
    setup_body="Here {name} would tell who it is and where its money goes. Nothing is asked or kept in this test.",
    setup_finish="Everything is given",
    setup_leave="Go back for now",
    identity_title="Show your identity document",
    identity_body="This stands for the page of Stripe Identity. No picture is taken and nothing is looked up: type "
    "what the document would say. {shop} learns the name, the date of birth and the result.",
    identity_first="First names",
    identity_last="Family name",
    identity_birth="Date of birth",
    identity_submit="The document is genuine",
    identity_later="Genuine; the result comes a little later",
    identity_decline="I do not agree to be checked",
    identity_leave="Leave without an answer",
    identity_fail="The check fails: {code}",
    identity_incomplete="Type both names and the date of birth.",
    identity_over_title="This address was for one visit",
    identity_over_body="It was used already, or the check is over. Go back, and begin from there.",
)

CHINESE = Wording(
    lang="zh-Hans",
    babel="zh_Hans_CN",
    wallets={"alipay": "支付宝", "wechat_pay": "微信支付"},
    banner="测试模式：不会发生任何真实扣款。请勿在此输入真实卡号。",
    pay_title="付款",
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
        "not_authenticated": "银行没有确认此次支付。您可以重试或换一张卡。",
        "wallet_refused": "对方没有确认此次支付。您可以重试或换一种方式支付。",
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
    bank_keep_body="将保存尾号 {last4} 的卡，供以后付款使用。本页代替银行自己的页面。",
    bank_yes="确认",
    bank_no="拒绝",
    bank_over_title="没有需要确认的内容",
    bank_over_body="本页打开之后，支付状态已经改变。",
    back_to_payment="返回支付页面",
    bank_done_title="谢谢",
    bank_done_body="您的答复已转达。可以关闭本页。",
    keep_title="保存银行卡，供以后付款",
    keep="保存此卡",
    keep_problem_title="未能保存此卡",
    other_ways="其他支付方式",
    pay_with="用{wallet}付款",
    more_cards="更多测试卡",
    card_dispute="支付成功，之后持卡人的银行收回款项。",
    card_inquiry="支付成功，之后持卡人的银行提出查询。",
    card_refund_later="支付成功；退款需要一段时间。",
    card_refund_fails="支付成功；退款在一段时间后失败。",
    card_at_once="支付成功，款项立即可用。",
    on_its_way_title="款项正在途中",
    on_its_way_body="支付已受理，款项尚未到账。您无需再次支付。",
    wallet_title="在{wallet}确认支付",
    wallet_body="支付 {amount}。本页代替{wallet}自己的页面。请选择希望发生的情形。",
    wallet_yes="确认支付",
    wallet_later="确认；款项稍后到账",
    wallet_never="确认；款项不会到账",
    wallet_refund_fails="确认；以后退款会失败",
    code_title="微信支付",
    code_body="扫描二维码支付 {amount}。这里不需要手机：点击链接即可代替扫码。",
    code_picture="用微信扫描的二维码",
    code_scan="打开二维码指向的页面",
    code_done="我已付款",
    setup_title="为您的公司开通收款",
    setup_body="在真实环境中，{name} 会在这里说明身份和收款账户。本测试不询问也不保存任何信息。",
    setup_finish="资料已全部提供",
    setup_leave="暂时返回",
    identity_title="出示身份证件",
    identity_body="本页代替 Stripe Identity 的页面。不会拍照，也不会查询任何登记信息：请输入证件上的内容。"
    "{shop} 会得知姓名、出生日期和结果。",
    identity_first="名",
    identity_last="姓",
    identity_birth="出生日期",
    identity_submit="证件真实有效",
    identity_later="真实有效；结果稍后给出",
    identity_decline="我不同意核验",
    identity_leave="不作答，直接离开",
    identity_fail="核验未通过：{code}",
    identity_incomplete="请输入姓、名和出生日期。",
    identity_over_title="此地址只能使用一次",
    identity_over_body="它已被使用，或核验已结束。请返回，重新开始。",
)


def wording_for(locale: str | None, accepted: LanguageAccept) -> Wording:
    """By the session's locale; `auto` or none follows the browser. Languages we do not have read English."""
    if locale is None or locale == "auto":
        locale = accepted.best_match(["en", "zh", "zh-CN", "zh-Hans"], default="en")
    return CHINESE if locale.startswith("zh") else ENGLISH
