//! End-to-end, fault and contract tests live in tests/tests; this library holds what they share.
