"""Pages for a browser: rendered on the server, with plain forms and no script."""
