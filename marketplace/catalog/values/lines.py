"""The lines of business: which factors are asked and which rows are compared, the same for all products of a line."""

from collections.abc import Iterable, Mapping

from marketplace.catalog.values import needs
from marketplace.catalog.values.factors import Choice, Factor, FactorKind, Line, LineDefinition, Row, RowSource
from marketplace.catalog.values.paying import REGULAR
from marketplace.kernel.text import LocalizedText as Words

YEARS_OLD = Words("years", "周岁")


def _choices(words: Mapping[str, tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(value, Words(en, zh)) for value, (en, zh) in words.items())


def _amounts(values: Iterable[int]) -> tuple[Choice, ...]:
    return tuple(Choice(value, Words(f"¥{value:,}", f"¥{value:,}")) for value in values)


def _age(minimum: int, maximum: int, who: tuple[str, str] = ("Age of the person insured", "被保险人年龄")) -> Factor:
    return Factor(
        "age", FactorKind.INTEGER, Words(*who), minimum=minimum, maximum=maximum, unit=YEARS_OLD,
        hint=Words("Completed years on the first day of cover.", "保障开始之日的周岁年龄。"),
    )  # fmt: skip


SEX = Factor(
    "sex",
    FactorKind.CHOICE,
    Words("Sex", "性别"),
    _choices({"female": ("female", "女"), "male": ("male", "男")}),
    hint=Words("Women live longer on average, so insurers charge by sex.", "女性平均寿命较长，保险公司按性别定价。"),
)
SMOKER = Factor(
    "smoker",
    FactorKind.BOOLEAN,
    Words("Smoked in the last 12 months", "过去12个月内吸烟"),
)
# Provincial divisions in which the demonstration's insurers have a branch.
REGION = Factor(
    "region",
    FactorKind.CHOICE,
    Words("Where the person lives", "居住地"),
    _choices(
        {
            "beijing": ("Beijing", "北京"),
            "shanghai": ("Shanghai", "上海"),
            "guangdong": ("Guangdong", "广东"),
            "jiangsu": ("Jiangsu", "江苏"),
            "zhejiang": ("Zhejiang", "浙江"),
            "sichuan": ("Sichuan", "四川"),
            "hubei": ("Hubei", "湖北"),
            "shandong": ("Shandong", "山东"),
        }
    ),
    default="shanghai",
)
# Classes as Chinese accident and life insurers commonly group occupations: 1 office, 4 manual with machines.
OCCUPATION = Factor(
    "occupation_class",
    FactorKind.INTEGER,
    Words("Occupation class", "职业类别"),
    tuple(
        Choice(number, Words(f"{number}: {en}", f"{number}类：{zh}"))
        for number, en, zh in (
            (1, "office work", "办公室工作"),
            (2, "light work outside an office", "外勤与轻体力劳动"),
            (3, "manual work", "体力劳动"),
            (4, "manual work with machines or at height", "机械操作或高处作业"),
        )
    ),
    default=1,
)
PAYMENT_FREQUENCY = Factor(
    "payment_frequency",
    FactorKind.CHOICE,
    Words("Premium is paid", "缴费频率"),
    tuple(Choice(frequency.value, frequency.words) for frequency in REGULAR),
    default=REGULAR[0].value,
    hint=Words("Paying in parts may cost more in all.", "分期缴费的总额可能更高。"),
)

NOT_COVERED = Row("not_covered", Words("Not covered", "责任免除"), RowSource.EXCLUSIONS)
WAITING = Row(
    "waiting_period", Words("Waiting period", "等待期"), RowSource.WAITING,
    Words("Days after the start in which illness is not yet covered.", "合同生效后疾病尚不获保障的天数。"),
)  # fmt: skip
COOLING_OFF = Row(
    "cooling_off", Words("Cooling-off", "犹豫期"), RowSource.COOLING_OFF,
    Words("Days in which you may withdraw and get everything back.", "可以反悔并全额退费的天数。"),
)  # fmt: skip
STOP_PAYING = Row("stop_paying", Words("If you stop paying", "停止交费后"), RowSource.GRACE)
WAYS_TO_PAY = Row("ways_to_pay", Words("Ways to pay", "缴费频率与方式"), RowSource.PAYING)
HEALTH_QUESTIONS = Row("health_questions", Words("Health questions", "健康告知"), RowSource.QUESTIONS)

TERM_LIFE = LineDefinition(
    Line.TERM_LIFE,
    Words("Term life", "定期寿险"),
    Words("Pays your family a sum if you die within the term.", "保障期内身故，向家人给付约定金额。"),
    "CNY",
    (
        _age(18, 65),
        SEX,
        SMOKER,
        Factor(
            "sum_insured", FactorKind.INTEGER, Words("Sum insured", "保险金额"),
            _amounts((300_000, 500_000, 800_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000)),
            money=True, hint=Words("Paid once on death.", "身故时一次性给付。"),
        ),
        Factor(
            "term_years", FactorKind.INTEGER, Words("Term", "保障期间"),
            tuple(Choice(years, Words(f"{years} years", f"{years}年")) for years in (10, 15, 20, 25, 30)),
        ),
        OCCUPATION,
        REGION,
        PAYMENT_FREQUENCY,
    ),
    (
        Row("pays_out_on", Words("Pays out on", "何时给付")),
        WAITING,
        NOT_COVERED,
        COOLING_OFF,
        WAYS_TO_PAY,
        STOP_PAYING,
        HEALTH_QUESTIONS,
        Row("cash_value", Words("If you end it early", "提前退保")),
        Row("claim_decided", Words("A claim is decided within", "理赔核定时限")),
    ),
    age_factor="age",
    sex_factor="sex",
    frequency_factor="payment_frequency",
    death_factor="sum_insured",
    main_factors=("sum_insured", "term_years", "payment_frequency"),
    stated=needs.TERM_LIFE,
)  # fmt: skip

TRAVEL = LineDefinition(
    Line.TRAVEL,
    Words("Travel", "旅行保险"),
    Words("Medical costs, rescue, baggage and cancellation on one trip.", "一次旅行中的医疗、救援、行李与取消损失。"),
    "CNY",
    (
        Factor(
            "zone", FactorKind.CHOICE, Words("Where to", "目的地"),
            _choices({
                "china": ("Within China", "中国境内"),
                "asia": ("Asia", "亚洲"),
                "europe": ("Europe, Schengen included", "欧洲（含申根地区）"),
                "world": ("Worldwide", "全球"),
            }),
        ),
        Factor("days", FactorKind.INTEGER, Words("Days away", "旅行天数"), minimum=1, maximum=90,
               unit=Words("days", "天")),
        _age(0, 80, ("Age of the traveller", "旅行者年龄")),
        Factor("sports", FactorKind.BOOLEAN, Words("Winter or water sports", "滑雪或水上运动"), default=False),
    ),
    (
        Row("medical", Words("Medical costs abroad", "医疗费用")),
        Row("rescue", Words("Rescue and return", "救援与送返")),
        Row("cancellation", Words("Cancellation", "旅行取消")),
        Row("baggage", Words("Baggage", "行李")),
        Row("deductible", Words("You bear yourself", "免赔额")),
        NOT_COVERED,
        Row("help_line", Words("Help on the way", "途中援助")),
        Row("withdrawal", Words("Changing your mind", "退保")),
        WAYS_TO_PAY,
    ),
    age_factor="age",
    main_factors=("zone", "days"),
    stated=needs.TRAVEL,
)  # fmt: skip

HOUSEHOLD = LineDefinition(
    Line.HOUSEHOLD,
    Words("Household", "家庭财产保险"),
    Words("Your home and what is in it against fire, water and theft.", "房屋与室内财产的火灾、水渍与盗抢损失。"),
    "CNY",
    (
        Factor("building_area", FactorKind.INTEGER, Words("Floor area", "建筑面积"), minimum=20, maximum=400,
               unit=Words("m²", "平方米")),
        Factor(
            "building_type", FactorKind.CHOICE, Words("Building", "房屋结构"),
            _choices({
                "concrete": ("concrete, with lift", "钢筋混凝土，有电梯"),
                "brick": ("brick and concrete", "砖混结构"),
                "house": ("detached house", "独栋房屋"),
            }),
        ),
        Factor("contents_sum", FactorKind.INTEGER, Words("Value of contents", "室内财产价值"),
               _amounts((50_000, 100_000, 200_000, 300_000, 500_000)), money=True),
        Factor("let_out", FactorKind.BOOLEAN, Words("Let to others", "出租"), default=False),
        REGION,
    ),
    (
        Row("building", Words("Building", "房屋主体")),
        Row("contents", Words("Contents", "室内财产")),
        Row("water", Words("Burst pipes", "水管爆裂")),
        Row("theft", Words("Theft", "盗抢")),
        Row("liability", Words("Damage to neighbours", "邻里责任")),
        Row("deductible", Words("You bear yourself", "免赔额")),
        NOT_COVERED,
        Row("withdrawal", Words("Changing your mind", "退保")),
        WAYS_TO_PAY,
    ),
    personal=False,
    main_factors=("contents_sum",),
    stated=needs.HOUSEHOLD,
)  # fmt: skip

HOSPITAL = LineDefinition(
    Line.HOSPITAL,
    Words("Hospital", "住院医疗保险"),
    Words("Pays hospital bills beyond the public scheme for one year.", "一年期，报销社保之外的住院费用。"),
    "CNY",
    (
        _age(0, 70),
        Factor("social_insurance", FactorKind.BOOLEAN, Words("Has public medical insurance", "有社会医疗保险")),
        Factor(
            "deductible", FactorKind.INTEGER, Words("You bear a year yourself", "年免赔额"),
            _amounts((0, 5_000, 10_000)), money=True, default=10_000,
        ),
        REGION,
    ),
    (
        Row("yearly_limit", Words("Limit a year", "年度限额")),
        Row("reimbursed", Words("Share reimbursed", "报销比例")),
        Row("hospitals", Words("Hospitals", "医院范围")),
        WAITING,
        NOT_COVERED,
        Row("renewal", Words("Renewal", "续保")),
        COOLING_OFF,
        WAYS_TO_PAY,
        HEALTH_QUESTIONS,
    ),
    age_factor="age",
    main_factors=("deductible",),
    stated=needs.HOSPITAL,
)  # fmt: skip

ACCIDENT = LineDefinition(
    Line.ACCIDENT,
    Words("Accident", "意外伤害保险"),
    Words("Pays on death or disability by accident, and accident treatment.", "意外身故、伤残给付及意外医疗。"),
    "CNY",
    (
        _age(0, 75),
        OCCUPATION,
        Factor("sum_insured", FactorKind.INTEGER, Words("Sum insured", "保险金额"),
               _amounts((100_000, 200_000, 500_000, 1_000_000)), money=True),
        REGION,
    ),
    (
        Row("death_disability", Words("Death and disability", "身故与伤残")),
        Row("treatment", Words("Accident treatment", "意外医疗")),
        Row("daily", Words("Each day in hospital", "住院津贴")),
        Row("occupations", Words("Occupations", "承保职业")),
        Row("deductible", Words("You bear yourself", "免赔额")),
        NOT_COVERED,
        COOLING_OFF,
        WAYS_TO_PAY,
        HEALTH_QUESTIONS,
    ),
    age_factor="age",
    death_factor="sum_insured",
    main_factors=("sum_insured",),
    stated=needs.ACCIDENT,
)  # fmt: skip

_QUARTERS = {
    f"{year}-{month:02d}-01": (f"{first} to {last} {year}", f"{year}年{month}月至{month + 2}月")
    for year, months in ((2017, (1, 4, 7, 10)), (2018, (1, 4, 7)))
    for month, first, last in zip(
        months, ("January", "April", "July", "October"), ("March", "June", "September", "December"), strict=False
    )
}
US_HEALTH = LineDefinition(
    Line.US_HEALTH,
    Words("Health plans, Massachusetts 2017-2018", "马萨诸塞州健康计划（2017-2018）"),
    Words("Published rates of real plans, for test only: nothing here can be bought.",
          "真实计划的已公布费率，仅供测试，不能购买。"),
    "USD",
    (
        Factor("start_on", FactorKind.DATE, Words("Cover starts in", "保障开始于"), _choices(_QUARTERS)),
        Factor(
            "rating_area", FactorKind.CHOICE, Words("Rating area", "费率地区"),
            tuple(Choice(f"R-MA{n:03d}", Words(f"Massachusetts {n}", f"马萨诸塞州{n}区")) for n in range(1, 8)),
        ),
        _age(0, 120),
    ),
    (
        Row("plan_kind", Words("Kind of plan", "计划类型")),
        Row("metal_level", Words("Metal level", "金属等级")),
        Row("deductible", Words("Deductible", "免赔额")),
        Row("family_deductible", Words("Deductible of a family", "家庭免赔额")),
        Row("hsa", Words("Health savings account", "健康储蓄账户")),
        Row("standard_plan", Words("Standard plan", "标准计划")),
        Row("essential_benefits", Words("Essential health benefits", "基本健康保障")),
    ),
    age_factor="age",
    start_factor="start_on",
)  # fmt: skip

LINES: Mapping[Line, LineDefinition] = {
    definition.line: definition for definition in (TERM_LIFE, TRAVEL, HOUSEHOLD, HOSPITAL, ACCIDENT, US_HEALTH)
}
