"""One scenario, asked of the simulator and, where a test key is at hand, of Stripe: where do the answers differ?"""
