"""Fraud, money laundering and lists of names (Order 13 art. 40, 41; AML Law of the PRC): what is watched for are
declared rules, what is found opens a case, and people decide it.

It promises that the same facts open one case, that nobody who is looked at is told why, and that a case is decided by a
named person, by two where it is reported or refused. It refuses to stop a contract by itself, but where the list of
names says so: such an application waits before it is decided on, and so before it is paid.
"""
