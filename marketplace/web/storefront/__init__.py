"""Pages for visitors: compare, understand a product, check a policy, who we are. No account, no application data."""
