"""What the source may not say. Each rule is tried on a line that breaks it before it is believed of the tree.

Beside these, ruff's security rules (S, flake8-bandit) run on every file in `make check`.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "marketplace").rglob("*.py"))
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file() and path.suffix != ".typ")
PAGES = [path for path in TEMPLATES if "mail" not in path.parts]  # mail programs need styles in the tags
SCRIPTS = sorted(path for path in (ROOT / "static").rglob("*.js") if "vendor" not in path.parts)

# Who may make or check something secret, and who may speak to the network: each file with its reason.
CRYPTOGRAPHY = {
    "accounts/rules/__init__.py": "the digest under which a token of a session is looked up",
    "accounts/services/api_keys.py": "keys of insurers' machines",
    "accounts/services/challenges.py": "codes and link tokens",
    "accounts/services/devices.py": "tokens of browsers",
    "accounts/services/hashes.py": "passwords by argon2id, keyed digests",
    "accounts/services/one_time_codes.py": "codes of authenticator apps",
    "accounts/services/passkeys.py": "passkeys",
    "accounts/services/sessions.py": "tokens of sessions",
    "application/services/gate.py": "compares a proof in constant time",
    "infra/backup.py": "seals backups",
    "infra/dkim.py": "signs mails for our domain",
    "infra/keeper.py": "wraps data keys, blind indexes",
    "infra/key_tokens.py": "digests that a token signs",
    "infra/keys.py": "keys derived from SECRET_KEY",
    "infra/revocation.py": "whether a list is signed by whom it names",
    "infra/signing.py": "seals of policies",
    "infra/timestamping.py": "serial numbers of time stamps",
    "infra/vault.py": "seals personal data",
    "kernel/canonical.py": "SHA-256 of records",
    "kernel/ids.py": "random references",
    "kernel/merkle.py": "trees of RFC 6962",
    "policy/queries/checking.py": "compares check codes in constant time",
    "rating/rules/proofs.py": "salts of a tariff's leaves",
    "rating/services.py": "the key of those salts",
    "traceability/jobs/key_folder.py": "the key of the log",
    "traceability/rules/leaves.py": "salted hashes of entries",
    "traceability/rules/notes.py": "signatures of the log",
    "traceability/services/recording.py": "salts of entries",
    "underwriting/services.py": "the salt of a decision",
    "web/security.py": "nonces",
    "web/site.py": "the digest of the signed cookie",
    "web/tracing.py": "the digest of the token of a page",
}
NETWORK = {
    "infra/keeper.py": "its own socket, no network",
    "infra/confinement/asking.py": "a pair of sockets with the nursery, no network",
    "infra/confinement/nursery.py": "a pair of sockets with who asks, no network",
    "infra/mail.py": "the mail server",
    "infra/returns.py": "the mailbox of what comes back",
    "infra/signing.py": "the type of a time-stamp authority",
    "infra/storage/bucket.py": "the bucket of files",
    "infra/stripe_gateway/__init__.py": "Stripe",
    "infra/stripe_gateway/calling.py": "how Stripe is called",
    "infra/stripe_gateway/reading.py": "the types of Stripe's answers",
    "infra/timestamping.py": "the time-stamp authority",
    "infra/vault.py": "the keeper's socket, no network",
}
MARKUP = {
    "web/customer/factor.py": "a picture of squares, drawn by the library from an address of ours",
    "web/pages.py": "Markdown of insurers through a parser that takes no HTML",
}
# Validation whose errors repeat what was given (pydantic's `input_value=…`): each file with its reason.
SHOWS_WHAT_DOES_NOT_FIT = {
    "catalog/values/content.py": "what an insurer uploads, shown to the insurer",
    "infra/jobs.py": "only writes out; what a job is given is validated quietly",
    "listing/intake/catalog.py": "what an insurer uploads, shown to the insurer",
    "listing/intake/passage.py": "between a process of ours and its child; what does not fit is not repeated",
    "listing/intake/schemas.py": "makes schemas only",
    "listing/intake/tariff.py": "what an insurer uploads, shown to the insurer",
    "listing/values/uploads.py": "counts and an insurer's own words, as this feature wrote them",
    "rating/values/tariff.py": "what an insurer uploads, shown to the insurer",
}
PARSES_XML = {"listing/intake/workbook/xlsx.py": "a workbook is XML: expat in a child process, document types refused"}
MAKES_SECRETS = {"cryptography", "hashlib", "hmac", "secrets", "argon2", "pyotp", "webauthn", "Crypto", "nacl"}
_PROOF = re.compile(r"(^|_)(token|proof|signature|mac|check_code|password|secret|secret_hash|tag)$")
SPEAKS = {
    "socket", "socketserver", "requests", "urllib.request", "urllib3", "http.client", "smtplib", "imaplib", "httpx",
    "aiohttp", "ftplib", "stripe", "obstore", "pyhanko.sign.timestamps",
}  # fmt: skip


@cache
def _tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text())


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, _last_name(node.func)


def _last_name(node: ast.AST) -> str:
    """`token` of `given.token` and of `token`; of anything else nothing."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def called(*names: str) -> Callable[[ast.AST], bool]:
    return lambda tree: any(name in names for _, name in _calls(tree))


def imported(*modules: str) -> Callable[[ast.AST], bool]:
    """A module of that name or anything below it."""
    return lambda tree: any(
        found == each or found.startswith(f"{each}.") for found in _imports(tree) for each in modules
    )


def _given(name: str, value: object) -> Callable[[ast.AST], bool]:
    return lambda tree: any(
        keyword.arg == name and isinstance(keyword.value, ast.Constant) and keyword.value.value is value
        for call, _ in _calls(tree)
        for keyword in call.keywords
    )


def _pattern_of_a_variable(tree: ast.AST) -> bool:
    """A regular expression that is made of something else than a literal: `re.compile(word)`."""
    return any(
        name in {"compile", "search", "match", "fullmatch", "sub", "findall"}
        and ast.unparse(call.func).startswith("re.")
        and not isinstance(call.args[0], ast.Constant)
        for call, name in _calls(tree)
    )


def _format_of_a_variable(tree: ast.AST) -> bool:
    """A log line whose text is not a literal: values belong into its arguments."""
    return any(
        ast.unparse(call.func) in {f"log.{level}" for level in ("debug", "info", "warning", "error", "exception")}
        and not isinstance(call.args[0], ast.Constant)
        for call, _ in _calls(tree)
    )


def _without(keyword: str, *names: str) -> Callable[[ast.AST], bool]:
    """A call of one of `names` that does not say `keyword`."""
    return lambda tree: any(
        name in names and keyword not in {each.arg for each in call.keywords} for call, name in _calls(tree)
    )


def _compared_plainly(tree: ast.AST) -> bool:
    """A proof compared by `==`, which stops at the first difference. A column is compared by the database."""
    return any(
        isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and any(_PROOF.search(_last_name(side)) for side in (node.left, *node.comparators))
        and "Row." not in ast.unparse(node)
        for node in ast.walk(tree)
    )


def _written(pattern: str) -> Callable[[ast.AST], bool]:
    """A name or a text that looks like `pattern`."""
    return lambda tree: any(
        isinstance(said, str) and re.search(pattern, said)
        for node in ast.walk(tree)
        for said in (_last_name(node), node.value if isinstance(node, ast.Constant) else "")
    )


@dataclass(frozen=True)
class Rule:
    """What is not allowed in our Python, a line that would break it, and the files that have a reason."""

    breaks: Callable[[ast.AST], bool]
    planted: str
    excused: frozenset[str] = frozenset()


RULES = {
    "no markup by hand": pytest.param(
        Rule(called("Markup"), "Markup(name)", frozenset(MARKUP)),
        marks=pytest.mark.asvs("1.1.2", "1.2.1"),
    ),
    "no template from a string": pytest.param(
        Rule(called("render_template_string", "from_string"), "render_template_string(text)"),
        marks=pytest.mark.asvs("1.3.7"),
    ),
    "nothing is evaluated": pytest.param(Rule(called("eval", "exec"), "eval(text)"), marks=pytest.mark.asvs("1.3.2")),
    "nothing unsafe is loaded": pytest.param(
        Rule(imported("pickle", "marshal", "shelve", "yaml", "jsonpickle"), "import pickle"),
        marks=pytest.mark.asvs("1.5.2"),
    ),
    "no XML is parsed": pytest.param(
        Rule(imported("xml", "lxml", "defusedxml"), "import xml.etree.ElementTree", frozenset(PARSES_XML)),
        marks=pytest.mark.asvs("1.5.1", "1.2.7"),
    ),
    "no shell": pytest.param(
        Rule(lambda tree: called("system", "popen")(tree) or _given("shell", True)(tree), "run(word, shell=True)"),
        marks=pytest.mark.asvs("1.2.5"),
    ),
    "certificates are always verified": pytest.param(
        Rule(_given("verify", False), "get(url, verify=False)"), marks=pytest.mark.asvs("12.3.2")
    ),
    "patterns are literals": pytest.param(
        Rule(_pattern_of_a_variable, "re.search(word, text)"), marks=pytest.mark.asvs("1.2.9")
    ),
    "log lines are literals": pytest.param(
        Rule(_format_of_a_variable, "log.info(f'{name} came')"), marks=pytest.mark.asvs("1.3.10")
    ),
    "chance is for jitter only": pytest.param(
        Rule(imported("random"), "import random", frozenset({"infra/stripe_gateway/calling.py"})),
        marks=pytest.mark.asvs("6.5.3", "11.5.1"),
    ),
    "secrets are made in few places": pytest.param(
        Rule(imported(*MAKES_SECRETS), "import hashlib", frozenset(CRYPTOGRAPHY)),
        marks=pytest.mark.asvs("11.1.2", "11.2.1", "11.3.2"),
    ),
    "few speak to the network": pytest.param(
        Rule(imported(*SPEAKS), "import requests", frozenset(NETWORK)), marks=pytest.mark.asvs("13.1.1", "13.2.5")
    ),
    "every call has an end": pytest.param(
        Rule(
            _without(
                "timeout",
                "SMTP",
                "SMTP_SSL",
                "IMAP4_SSL",
                "RequestsClient",
                "HTTPTimeStamper",
                "create_connection",
                "urlopen",
            ),
            "smtplib.SMTP(host, port)",
        ),
        marks=pytest.mark.asvs("13.1.3"),
    ),
    "proofs are compared in constant time": pytest.param(
        Rule(_compared_plainly, "given.token == kept.token"), marks=pytest.mark.asvs("11.2.4")
    ),
    "no broken digest": pytest.param(
        Rule(_written(r"(?i)^(md[245]|sha-?1|ripemd\w*)$"), "hashlib.sha1(data)"), marks=pytest.mark.asvs("11.4.1")
    ),
    "no block without a mode, no old padding": pytest.param(
        Rule(
            _written(r"^(ECB|CBC|PKCS1v15|TripleDES|ARC4|RC4|DES|Blowfish)$"),
            "modes.ECB()",
            frozenset({"infra/dkim.py"}),  # as a signature, which DKIM knows no other of RSA; nothing is encrypted
        ),
        marks=pytest.mark.asvs("11.3.1", "11.3.2"),
    ),
    "downloads are named in one place": pytest.param(
        Rule(
            _written(r"(?i)^content-disposition$"),
            "headers['Content-Disposition'] = 'attachment; filename=' + name",
            frozenset({"web/papers.py", "web/storefront/product.py"}),  # the second names it in letters of ours
        ),
        marks=pytest.mark.asvs("5.4.2"),
    ),
    "what does not fit is not repeated": pytest.param(
        Rule(
            _without("config", "TypeAdapter", "validate_call"),
            "TypeAdapter(People)",
            frozenset(SHOWS_WHAT_DOES_NOT_FIT),
        ),
        marks=pytest.mark.asvs("16.2.5"),
    ),
    "entry points say whose rows": pytest.param(
        Rule(
            called("use_scope"),
            "use_scope(Scope.all())",
            frozenset({"cli.py", "infra/jobs.py", "web/scopes.py", "worker.py"}),
        ),
        marks=pytest.mark.asvs("8.4.1"),
    ),
    "a scope is said in one place": pytest.param(
        Rule(
            _written(r"marketplace\.scope"),
            "execute('SET marketplace.scope')",
            frozenset({"infra/backup.py", "infra/db.py", "infra/pools.py"}),
        ),
        marks=pytest.mark.asvs("8.4.1"),
    ),
    "two statements run in everybody's scope": pytest.param(
        Rule(
            called("alone"),
            "alone(statement, {})",
            frozenset({"infra/present.py", "infra/vault.py", "traceability/services/recording.py"}),
        ),
        marks=pytest.mark.asvs("8.4.1"),
    ),
    "no test code": pytest.param(
        Rule(imported("tests", "sandbox", "pytest", "unittest"), "import sandbox.demo"),
        marks=pytest.mark.asvs("15.2.3"),
    ),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_the_source_keeps(rule: Rule) -> None:
    assert rule.breaks(ast.parse(rule.planted)), "the rule does not see what breaks it"
    found = {str(path.relative_to(ROOT / "marketplace")) for path in SOURCES if rule.breaks(_tree(path))}
    assert sorted(found - rule.excused) == []


WRITTEN = {
    "no template trusts a value": pytest.param(
        TEMPLATES, r"\|\s*safe\b|autoescape\s+false|\|\s*attr\b", "{{ name|safe }}", marks=pytest.mark.asvs("1.1.2")
    ),
    "scripts hold no value of a page": pytest.param(
        TEMPLATES, r"<script(?![^>]*\bsrc=)", "<script>let name = {{ name }}</script>", marks=pytest.mark.asvs("1.2.3")
    ),
    "no handler or style in a page": pytest.param(
        PAGES, r"<[^>{]*\s(on[a-z]+|style)=", '<p onclick="go()">', marks=pytest.mark.asvs("3.4.3")
    ),
    "scripts write text, never markup": pytest.param(
        SCRIPTS,
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function",
        "each.innerHTML = name",
        marks=pytest.mark.asvs("3.2.2"),
    ),
    "nothing comes from elsewhere": pytest.param(
        PAGES,
        r"<(?:script|link|img|iframe|source|embed|object|audio|video)[^>]*\s(?:src|href|data)=[\"'](?:https?:)?//",
        '<script src="https://cdn.example/a.js"></script>',
        marks=pytest.mark.asvs("3.6.1", "14.2.3"),
    ),
    "scripts call nobody": pytest.param(
        SCRIPTS,
        r"https?://|sendBeacon|XMLHttpRequest|new Image|WebSocket|EventSource"
        r"|\bimport\b(?! \{[\w, ]+\} from \"\./[\w.-]+\";)",
        "navigator.sendBeacon('/seen')",
        marks=pytest.mark.asvs("3.6.1", "14.2.3"),
    ),
    "nobody hinders pasting": pytest.param(
        [*PAGES, *SCRIPTS],
        r"onpaste|['\"]paste['\"]|autocomplete=\"off\"[^>]*type=\"password",
        "onpaste='no()'",
        marks=pytest.mark.asvs("6.2.7"),
    ),
    "scripts share no name with a page": pytest.param(
        SCRIPTS,
        r"\bvar\b|\b(?:window|document|globalThis|self)\.\w+\s*=(?!=)|\b(?:window|document)\[|getElementById",
        "window.form = form",
        marks=pytest.mark.asvs("3.2.3"),
    ),
    "scripts keep nothing and hear nobody": pytest.param(
        SCRIPTS,
        r"localStorage|sessionStorage|indexedDB|document\.cookie|postMessage|['\"]message['\"]",
        "localStorage.name = name",
        marks=pytest.mark.asvs("14.3.3", "3.5.5"),
    ),
}


@pytest.mark.parametrize(("files", "pattern", "planted"), WRITTEN.values(), ids=list(WRITTEN))
def test_the_pages_keep(files: list[Path], pattern: str, planted: str) -> None:
    assert files
    assert re.search(pattern, planted), "the rule does not see what breaks it"
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}" for path in files for match in re.finditer(pattern, path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("listed", "uses"),
    [
        (CRYPTOGRAPHY, imported(*MAKES_SECRETS)),
        (NETWORK, imported(*SPEAKS)),
        (MARKUP, called("Markup")),
        (SHOWS_WHAT_DOES_NOT_FIT, _without("config", "TypeAdapter", "validate_call")),
        (PARSES_XML, imported("xml")),
    ],
    ids=["secrets", "network", "markup", "validation", "xml"],
)
def test_no_excuse_is_stale(listed: dict[str, str], uses: Callable[[ast.AST], bool]) -> None:
    assert [name for name in listed if not uses(_tree(ROOT / "marketplace" / name))] == []
