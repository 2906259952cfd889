//! Logs go to stderr: text for people on a terminal, JSON lines when the configuration asks for them.

use std::ffi::OsStr;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::Context;
use crate::config::{Config, LogFormat};

/// Starts logging by flag or environment, else by the home's configuration, else warnings only.
///
/// A configuration that cannot be read is reported by the subcommand that needs it, not here.
pub(crate) fn start(context: &Context) {
    let config = Config::load(&context.home).map(|c| c.log).unwrap_or_default();
    let wanted = context.log.clone().unwrap_or(config.filter);
    let filter = EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
        context.tell(format_args!("aula: log filter {wanted:?} is not understood ({error}); using warn"));
        EnvFilter::new("warn")
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(wants_color(std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR").as_deref()));
    // Only fails when logging was started before, as in tests.
    let _ = match config.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.try_init(),
    };
}

/// Colours on a terminal, unless NO_COLOR says anything (no-color.org).
fn wants_color(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_is_heard() {
        assert!(wants_color(true, None) && wants_color(true, Some(OsStr::new(""))));
        assert!(!wants_color(true, Some(OsStr::new("1"))) && !wants_color(false, None));
    }
}
