"""The web pages: they translate and call, and decide nothing themselves."""
