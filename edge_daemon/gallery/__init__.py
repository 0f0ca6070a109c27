"""Who is enrolled, what their faces are like, and whom a face is like."""
