//! Errors that know what their reader can do about them.

/// An error with a name for programs and advice for people. Whoever shows it adds nothing of its own.
pub trait NextStep: std::error::Error {
    /// Lower-case words joined by underscores; stable.
    fn code(&self) -> &str {
        "failed"
    }

    /// What to do next.
    fn next_step(&self) -> String;
}
