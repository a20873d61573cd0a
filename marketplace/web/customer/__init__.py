"""Pages of a customer: the application, the payment, the policies, the account."""
