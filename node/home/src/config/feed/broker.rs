//! The address of a district's broker.

use aula_foreign::address::is_this_machine;

use super::FeedKind;

/// A broker's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// False only on loopback.
    pub tls: bool,
    /// Hosts with their ports, at least one; of MQTT exactly one.
    pub hosts: Vec<(String, u16)>,
}

impl BrokerUrl {
    /// Reads `mqtts://HOST:PORT` or `kafkas://HOST:PORT,HOST:PORT`; without the `s` on loopback only.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str, kind: FeedKind) -> Result<Self, &'static str> {
        let wanted = match kind {
            FeedKind::Kafka => "broker must be kafkas://HOST:PORT, further ones after a comma",
            _ => "broker must be mqtts://HOST:PORT",
        };
        let (scheme, rest) = text.split_once("://").ok_or(wanted)?;
        let tls = match (scheme, kind) {
            ("mqtts", FeedKind::Mqtt) | ("kafkas", FeedKind::Kafka) => true,
            ("mqtt", FeedKind::Mqtt) | ("kafka", FeedKind::Kafka) => false,
            _ => return Err(wanted),
        };
        let host = |one: &str| {
            let (host, port) = one.rsplit_once(':')?;
            let port = port.parse().ok().filter(|port| *port > 0)?;
            let plain =
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b));
            plain.then(|| (host.to_owned(), port))
        };
        let hosts = rest.split(',').map(host).collect::<Option<Vec<_>>>().ok_or(wanted)?;
        if kind == FeedKind::Mqtt && hosts.len() != 1 {
            return Err(wanted);
        }
        if !tls && !hosts.iter().all(|(host, _)| is_this_machine(host)) {
            return Err("a broker that is not on loopback is asked by TLS only: mqtts:// or kafkas://");
        }
        Ok(Self { tls, hosts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_clear_text_stays_on_loopback() {
        let mqtt = |text| BrokerUrl::parse(text, FeedKind::Mqtt);
        let one = |tls, host: &str, port| Ok(BrokerUrl { tls, hosts: vec![(host.into(), port)] });
        assert_eq!(mqtt("mqtts://b.example.org:8883"), one(true, "b.example.org", 8883));
        assert_eq!(mqtt("mqtt://127.0.0.1:1883"), one(false, "127.0.0.1", 1883));
        assert_eq!(mqtt("mqtt://[::1]:1883"), one(false, "[::1]", 1883));
        for text in [
            "mqtt://b.example.org:1883",
            "kafka://127.0.0.1:1",
            "mqtts://a",
            "mqtts://a:0",
            "mqtts://a:1,b:1",
            "mqtts://u@a:1",
        ] {
            assert!(mqtt(text).is_err(), "{text}");
        }
        let kafka = BrokerUrl::parse("kafkas://a:9093,b:9094", FeedKind::Kafka);
        assert_eq!(kafka.map(|url| url.hosts.len()), Ok(2));
        assert!(BrokerUrl::parse("kafka://127.0.0.1:1,a:2", FeedKind::Kafka).is_err());
    }
}
