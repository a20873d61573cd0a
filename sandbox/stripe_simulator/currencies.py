"""Currencies as Stripe counts them: amounts are whole numbers of the smallest unit.

Source: docs.stripe.com/currencies, sections "Supported presentment currencies", "Minor units in API amounts", "Special
cases" and "Minimum and maximum charge amounts", read in November 2026.
"""

from decimal import Decimal

_PRESENTMENT = """
usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf
chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf
idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop
mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd
scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof
xpf yer zar zmw
"""
_ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE_DECIMAL = "bhd jod kwd omr tnd"

CURRENCIES = frozenset(_PRESENTMENT.split())
"""Presentment currencies."""
ZERO_DECIMAL = frozenset(_ZERO_DECIMAL.split())
THREE_DECIMAL = frozenset(_THREE_DECIMAL.split())
WHOLE_UNITS_IN_HUNDREDTHS = frozenset({"isk", "ugx"})
"""Without a minor unit, and still written with two decimals, which must be 00."""
WHOLE_UNITS_IN_PAYOUTS = frozenset({"huf", "twd"})
"""Charged to the hundredth, paid out in whole units."""
LARGEST_AMOUNT = 99_999_999
LEAST_AMOUNTS = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17_500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
"""The least that is charged in a currency that accounts are paid out in. For any other, such as CNY, it is what
converts to the account's own least amount; nothing is converted here, so there it is 1."""


def minor_digits(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def major_units(amount: int, currency: str) -> Decimal:
    """What a person reads for an amount in the smallest unit."""
    return Decimal(amount).scaleb(-minor_digits(currency))


def fault_of_charge(amount: int, currency: str) -> str | None:
    """Why this amount cannot be charged or refunded in this currency; None when it can."""
    if currency in THREE_DECIMAL and amount % 10:
        return f"Amounts in {currency} must end in 0: Stripe's partners settle in hundredths."
    if currency in WHOLE_UNITS_IN_HUNDREDTHS and amount % 100:
        return f"Amounts in {currency} must be divisible by 100: it has no minor unit."
    return None


def least_amount(currency: str) -> int:
    return LEAST_AMOUNTS.get(currency, 1)


def fault_of_payout(amount: int, currency: str) -> str | None:
    """Why this amount cannot be paid out in this currency; None when it can."""
    if currency in WHOLE_UNITS_IN_PAYOUTS and amount % 100:
        return f"Payouts in {currency} must be divisible by 100."
    return fault_of_charge(amount, currency)
