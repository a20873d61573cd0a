"""What happens to an upload: it is received and read, reviewed by two people of the insurer and one of the marketplace,
published in one transaction, and taken off sale again. How rate cards are read.
"""

from marketplace.listing.services.ending import recall_version, stop_sale, withdraw_version
from marketplace.listing.services.measuring import measure_impact
from marketplace.listing.services.rate_cards import keep_rate_card, plan_rate_card, put_rate_card, renew_rate_card
from marketplace.listing.services.receiving import read_upload, upload_again, upload_catalog
from marketplace.listing.services.reviewing import (
    accept_upload,
    approve_upload,
    refuse_upload,
    send_back_upload,
    submit_upload,
    withdraw_upload,
)

__all__ = [
    "accept_upload",
    "approve_upload",
    "keep_rate_card",
    "measure_impact",
    "plan_rate_card",
    "put_rate_card",
    "read_upload",
    "recall_version",
    "refuse_upload",
    "renew_rate_card",
    "send_back_upload",
    "stop_sale",
    "submit_upload",
    "upload_again",
    "upload_catalog",
    "withdraw_upload",
    "withdraw_version",
]
