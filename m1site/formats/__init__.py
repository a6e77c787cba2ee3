"""How the admin writes what people read, by language."""
