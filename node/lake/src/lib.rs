//! A district's events, decisions, readings and figures as Iceberg tables.
