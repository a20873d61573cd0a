"""What a customer may say they need, line by line, and what of a product's content shows whether it is there.

A comparison keeps the codes of what was stated, so a code once used stays here as long as comparisons do.
"""

from dataclasses import dataclass

from marketplace.kernel.text import LocalizedText as Words


@dataclass(frozen=True, slots=True)
class StatedNeed:
    """Every condition that is given must hold.

    `cover`: a cover of that code is included; `at_least`: it pays so many whole units of the currency, and with
    `nothing_borne` nothing of it is borne by the insured. `not_excluded`: none of these exclusions stands in the
    contract. The rest speak of the key facts, in days.
    """

    code: str
    label: Words
    cover: str | None = None
    at_least: int | None = None
    nothing_borne: bool = False
    not_excluded: tuple[str, ...] = ()
    waiting_at_most: int | None = None
    cooling_off_at_least: int | None = None
    renewal_guaranteed: bool = False


@dataclass(frozen=True, slots=True)
class StatedNeeds:
    """The needs of one line, and the codes by which its covers and exclusions are known.

    Codes are the insurers' own: a product that uses another code may mean the same by it, so what it seems to lack is
    not known to be missing.
    """

    needs: tuple[StatedNeed, ...] = ()
    covers: frozenset[str] = frozenset()
    exclusions: frozenset[str] = frozenset()


NOTHING_TO_STATE = StatedNeeds()

TERM_LIFE = StatedNeeds(
    (
        StatedNeed("terminal_illness", Words("Pays on terminal illness", "疾病终末期给付"), cover="terminal"),
        StatedNeed("disability", Words("Pays on total disability", "全残给付"), cover="disability"),
        StatedNeed("waiver", Words("Waives premiums after total disability", "全残后豁免保险费"), cover="waiver"),
        StatedNeed(
            "flying", Words("Private flying and climbing are not excluded", "不排除私人飞行与攀登"),
            not_excluded=("flying",),
        ),
        StatedNeed("waiting_90", Words("At most 90 days of waiting", "等待期不超过90天"), waiting_at_most=90),
        StatedNeed(
            "cooling_off_20", Words("At least 20 days to change your mind", "犹豫期不少于20天"),
            cooling_off_at_least=20,
        ),
    ),
    frozenset({"death", "accident", "disability", "waiver", "terminal", "funeral"}),
    frozenset({"suicide", "crime", "killing", "drugs", "drink_driving", "war", "flying", "waiting"}),
)  # fmt: skip

TRAVEL = StatedNeeds(
    (
        StatedNeed("cancellation", Words("Cancellation is covered", "承保旅行取消"), cover="cancellation"),
        StatedNeed(
            "cancellation_10000", Words("Cancellation up to ¥10,000 or more", "旅行取消限额不低于1万元"),
            cover="cancellation", at_least=10_000,
        ),
        StatedNeed(
            "rescue_1000000", Words("Rescue up to ¥1,000,000 or more", "救援限额不低于100万元"),
            cover="rescue", at_least=1_000_000,
        ),
        StatedNeed(
            "medical_in_full", Words("You bear nothing of medical costs", "医疗费用无免赔额"),
            cover="medical", nothing_borne=True,
        ),
        StatedNeed("delay", Words("Delays are covered", "承保延误"), cover="delay"),
        StatedNeed("liability", Words("Harm you do to others is covered", "承保对他人的责任"), cover="liability"),
        StatedNeed(
            "extreme_sports", Words("Extreme sports are not excluded", "不排除极限运动"),
            not_excluded=("dangerous_sport", "winter_water_sport"),
        ),
    ),
    frozenset({"medical", "rescue", "cancellation", "baggage", "liability", "delay"}),
    frozenset(
        {
            "known", "earlier_illness", "warning", "sports_not_chosen", "dangerous_sport", "alcohol", "unattended",
            "deductible", "winter_water_sport", "manual_work", "cancel_share", "older",
        }
    ),
)  # fmt: skip

HOUSEHOLD = StatedNeeds(
    (
        StatedNeed("theft", Words("Theft is covered", "承保盗抢"), cover="theft"),
        StatedNeed("liability", Words("Damage to neighbours is covered", "承保邻里责任"), cover="liability"),
        StatedNeed(
            "liability_300000", Words("Damage to neighbours up to ¥300,000 or more", "邻里责任限额不低于30万元"),
            cover="liability", at_least=300_000,
        ),
        StatedNeed("lodging", Words("Pays for somewhere to stay", "承保临时住宿"), cover="lodging"),
        StatedNeed("earthquake", Words("Earthquakes are not excluded", "不排除地震"), not_excluded=("earthquake",)),
        StatedNeed("empty", Words("An empty home is not excluded", "不排除房屋空置"), not_excluded=("empty",)),
    ),
    frozenset({"building", "contents", "water", "theft", "liability", "lodging"}),
    frozenset(
        {
            "intent", "earthquake", "wear", "valuables", "building_works", "business", "theft", "deductible",
            "typhoon_share", "tenant_theft", "empty", "underinsured",
        }
    ),
)  # fmt: skip

HOSPITAL = StatedNeeds(
    (
        StatedNeed("around", Words("Pays before and after a stay", "承保住院前后门急诊"), cover="around"),
        StatedNeed(
            "special", Words("Pays dialysis and cancer treatment without a stay", "承保门诊透析与肿瘤治疗"),
            cover="special",
        ),
        StatedNeed(
            "stay_1000000", Words("Pays ¥1,000,000 a year or more", "年度限额不低于100万元"),
            cover="stay", at_least=1_000_000,
        ),
        StatedNeed("daily", Words("Pays for each day in hospital", "给付住院津贴"), cover="daily"),
        StatedNeed("abroad", Words("Treatment abroad is not excluded", "不排除境外就医"), not_excluded=("abroad",)),
        StatedNeed("waiting_30", Words("At most 30 days of waiting", "等待期不超过30天"), waiting_at_most=30),
        StatedNeed("renewal", Words("Renewal is guaranteed", "保证续保"), renewal_guaranteed=True),
    ),
    frozenset({"stay", "around", "special", "medicine", "daily", "second_opinion"}),
    frozenset(
        {
            "earlier_illness", "birth", "cosmetic", "dental", "congenital", "rehabilitation", "abroad", "deductible",
            "no_public", "waiting", "share", "special_share",
        }
    ),
)  # fmt: skip

ACCIDENT = StatedNeeds(
    (
        StatedNeed("daily", Words("Pays for each day in hospital", "给付住院津贴"), cover="daily"),
        StatedNeed("transport", Words("Pays more on trains and planes", "公共交通意外额外给付"), cover="transport"),
        StatedNeed(
            "treatment_50000", Words("Treatment up to ¥50,000 or more", "意外医疗限额不低于5万元"),
            cover="treatment", at_least=50_000,
        ),
        StatedNeed(
            "treatment_in_full", Words("You bear nothing of treatment", "意外医疗无免赔额"),
            cover="treatment", nothing_borne=True,
        ),
        StatedNeed(
            "dangerous_sport", Words("Dangerous sport is not excluded", "不排除高风险运动"),
            not_excluded=("dangerous_sport",),
        ),
    ),
    frozenset({"death", "treatment", "daily", "transport"}),
    frozenset(
        {
            "illness", "self_harm", "crime", "drink_driving", "dangerous_sport", "war", "children", "share", "older",
            "deductible", "no_ticket", "first_days",
        }
    ),
)  # fmt: skip
