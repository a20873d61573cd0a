"""What only the demonstration and the tests need; never part of a production installation."""
