"""The pages a person sees: paying, the bank's question, and a session that is over."""
