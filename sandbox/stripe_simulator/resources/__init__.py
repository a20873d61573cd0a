"""The objects of the API, one module each: what a request may say, what the object looks like, who answers."""
