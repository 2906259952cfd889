//! Feeds that can be used, and those that cannot.

use super::super::Config;

const FEED: &str = "[[feed]]\nname = 'lms'\nkind = 'xapi'\nlisten = '127.0.0.1:8490'\n\
                    home_page = 'https://sis.example.org'\nclients = 'clients.toml'\n";

#[test]
fn a_feed_is_read_and_one_that_cannot_be_served_refused() -> Result<(), toml::de::Error> {
    let config: Config = toml::from_str(FEED)?;
    assert!(config.check().is_ok());
    assert_eq!(config.feed[0].unassigned_days, 90);
    for (from, to) in [("127.0.0.1", "0.0.0.0"), ("https://", ""), ("name", "unassigned_days = 0\nname")] {
        let config: Config = toml::from_str(&FEED.replacen(from, to, 1))?;
        assert!(config.check().is_err(), "{to}");
    }
    assert!(toml::from_str::<Config>(&FEED.replace("xapi", "smoke")).is_err());
    for (text, good) in [
        ("kind = 'frames'\nlisten = '127.0.0.1:8491'\nclients = 'c.toml'", true),
        ("kind = 'frames'\nlisten = '127.0.0.1:8491'", false),
        ("kind = 'frames'\nclients = 'c.toml'", false),
        ("kind = 'files'\nfolder = '/srv/in'", true),
        ("kind = 'files'", false),
        ("kind = 'files'\nfolder = '/srv/in'\nlines = 'statements'", false),
    ] {
        let config: Config = toml::from_str(&format!("[[feed]]\nname = 'a'\n{text}\n"))?;
        assert_eq!(config.check().is_ok(), good, "{text}");
    }
    let twice: Config = toml::from_str(&format!("{FEED}{FEED}"))?;
    assert!(twice.check().is_err(), "two feeds of one name");
    Ok(())
}
