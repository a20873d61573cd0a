"""Check what the marketplace says without the marketplace: standard library only, to be copied as one folder.

* `python -m verify premium offer.json` recomputes a premium from the steps and the cells that the offer carries, and
  shows that these cells are part of the tariff that was approved. With `--tariff tariff.json` the whole tariff is
  looked at instead, where an insurer publishes it. `schema/` has the JSON Schemas of both files.
* `python -m verify receipt mine.tlog-proof --policy trust.policy` shows which entry was recorded, when, in which log.
* `python -m verify bundle evidence.zip --policy trust.policy` checks everything that was recorded of a contract.

Nothing here is imported by the marketplace or the reverse: it is a second reading of the same formats on purpose.
"""
