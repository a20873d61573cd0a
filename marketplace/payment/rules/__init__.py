"""Pure decisions of payment: what the provider's answers mean (`settling`), and what is posted (`bookkeeping`)."""
