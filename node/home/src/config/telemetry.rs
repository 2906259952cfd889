//! `[telemetry]`: where spans of the program's work are told.

use serde::{Deserialize, Serialize};

/// A collector that speaks OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Its address, before `/v1/traces`; none: nothing is told.
    pub otlp: Option<String>,
    /// One trace in so many is told, 1 to 1,000,000.
    pub one_in: u32,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { otlp: None, one_in: 1 }
    }
}

impl Telemetry {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let is_http = |url: &String| {
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            host.is_some_and(|host| {
                !host.is_empty() && !host.starts_with('/') && !url.contains(char::is_whitespace)
            })
        };
        match () {
            () if !self.otlp.as_ref().is_none_or(is_http) => Some(
                "otlp is not an address of HTTP: write http://HOST:PORT or https://HOST, without /v1/traces",
            ),
            () if !(1..=1_000_000).contains(&self.one_in) => Some("one_in must be 1 to 1000000"),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, refuses};

    #[test]
    fn a_collector_has_an_address_of_http_and_nothing_is_told_without_one() {
        assert_eq!(Config::default().telemetry.otlp, None);
        for good in ["otlp = 'http://127.0.0.1:4318'", "otlp = 'https://c.example/otlp'\none_in = 100"] {
            assert!(!refuses(&format!("[telemetry]\n{good}")), "{good}");
        }
        for wrong in [
            "otlp = ''",
            "otlp = 'c:4318'",
            "otlp = 'http:///v1'",
            "otlp = 'http://a b'",
            "one_in = 0",
            "headers = 1",
        ] {
            assert!(refuses(&format!("[telemetry]\n{wrong}")), "{wrong}");
        }
    }
}
