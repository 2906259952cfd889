//! Staff who log in by the district's own identity provider, and launches from a learning platform.
