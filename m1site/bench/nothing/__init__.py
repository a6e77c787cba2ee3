"""A tool that does nothing but say when it began: in a package of its own, since a tool's digest covers its package."""
