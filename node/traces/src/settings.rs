//! Where spans go, by the configuration and by OpenTelemetry's variables of the environment, which stand above it.

/// How spans are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The collector's address for spans, whole.
    pub address: String,
    /// One trace in so many is told, 1 or more.
    pub one_in: u32,
    /// `service.version`.
    pub version: String,
    /// Which district's: `service.instance.id`.
    pub tenant: String,
}

impl Settings {
    /// The address that is in force: none where nobody asks for spans, or a variable switches them off.
    pub fn address(configured: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
        let variable = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let says =
            |name: &str, word: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        if says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none") {
            return None;
        }
        // The one for spans is whole; the one for everything is what stands before it.
        let base = || variable("OTEL_EXPORTER_OTLP_ENDPOINT").or_else(|| configured.map(str::to_owned));
        variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .or_else(|| base().map(|base| format!("{}/v1/traces", base.trim_end_matches('/'))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stand_above_the_configuration_and_may_switch_off() {
        let of = |configured: Option<&str>, variables: &[(&str, &str)]| {
            Settings::address(configured, |name| {
                variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let (all, spans) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        for (configured, variables, address) in [
            (None, &[][..], None),
            (Some("http://c:4318"), &[], Some("http://c:4318/v1/traces")),
            (Some("http://c:4318/"), &[], Some("http://c:4318/v1/traces")),
            (Some("http://c:4318"), &[(all, "https://d/otlp")], Some("https://d/otlp/v1/traces")),
            (None, &[(all, "https://d"), (spans, "https://e/x")], Some("https://e/x")),
            (Some("http://c:4318"), &[(all, " ")], Some("http://c:4318/v1/traces")),
            (Some("http://c:4318"), &[("OTEL_SDK_DISABLED", "True")], None),
            (None, &[(all, "https://d"), ("OTEL_TRACES_EXPORTER", "none")], None),
        ] {
            assert_eq!(of(configured, variables).as_deref(), address, "{configured:?} {variables:?}");
        }
    }
}
