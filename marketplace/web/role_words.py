"""What a role is called."""

from marketplace.accounts.values import Role
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.traceability.values import SYSTEM

AT_THE_DESK: dict[Role, str] = {
    Role.INSURER_ADMIN: _l("Administrator"),
    Role.INSURER_CATALOG: _l("Products and uploads"),
    Role.INSURER_UNDERWRITER: _l("Underwriting"),
    Role.INSURER_CLAIMS: _l("Claims"),
    Role.INSURER_FINANCE: _l("Finance"),
}
"""Of an insurer's staff, among themselves."""

_FOR_ALL: dict[str, str] = {
    SYSTEM.label: _l("Marketplace"),
    Role.CUSTOMER: _l("Customer"),
    Role.INSURER_ADMIN: _l("Insurer: administrator"),
    Role.INSURER_CATALOG: _l("Insurer: products"),
    Role.INSURER_UNDERWRITER: _l("Insurer: underwriting"),
    Role.INSURER_CLAIMS: _l("Insurer: claims"),
    Role.INSURER_FINANCE: _l("Insurer: finance"),
    Role.PRACTITIONER: _l("Practitioner"),
    Role.ADMIN_SALES: _l("Marketplace: sales"),
    Role.ADMIN_COMPLIANCE: _l("Marketplace: compliance"),
    Role.ADMIN_REVIEWER: _l("Marketplace: review of products"),
    Role.ADMIN_FINANCE: _l("Marketplace: finance"),
    Role.ADMIN_COMPLAINTS: _l("Marketplace: complaints"),
    Role.ADMIN_OWNER: _l("Marketplace: management"),
}


def role_words(label: str) -> str:
    """Of the label by which an entry names who acted at the desk of evidence, staff by their role (`access.actor`);
    another one as it stands.
    """
    return str(_FOR_ALL.get(label, label))
