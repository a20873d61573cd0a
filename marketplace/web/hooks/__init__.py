"""Doors for machines: Stripe's webhook, health; and the demonstration's inbox."""
