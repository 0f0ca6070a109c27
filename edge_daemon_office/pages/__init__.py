"""Pages for a browser: server-rendered, plain forms, no script."""
