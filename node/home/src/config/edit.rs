//! Changing one setting in a configuration's text without touching the rest.

/// Sets `key` of `[section]` in a configuration's text, keeping everything else, comments included.
///
/// `value` is TOML. A line `# key = …` of the sample becomes the setting; without one it is put after the
/// section's header, and a missing section at the end.
pub fn set(text: &str, section: &str, key: &str, value: &str) -> String {
    let setting = format!("{key} = {value}");
    let header = format!("[{section}]");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some(start) = lines.iter().position(|line| line.trim() == header) else {
        lines.extend([String::new(), header, setting]);
        return lines.join("\n") + "\n";
    };
    let is_header = |line: &String| line.trim_start().starts_with('[');
    let end = lines.iter().skip(start + 1).position(is_header).map_or(lines.len(), |at| start + 1 + at);
    let is_setting = |line: &String| {
        let bare = line.trim_start_matches('#').trim_start();
        bare.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let within = lines.get(start..end).unwrap_or_default();
    match within.iter().position(is_setting) {
        Some(at) => lines[start + at] = setting,
        None => lines.insert(start + 1, setting),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Role, SAMPLE};

    #[test]
    fn settings_are_put_where_the_sample_shows_them() -> Result<(), toml::de::Error> {
        let text = set(SAMPLE, "p2p", "listen", "\"/ip4/127.0.0.1/tcp/5\"");
        let text = set(&text, "api", "listen", "\"127.0.0.1:6\"");
        let text = set(&text, "p2p", "listen", "\"/ip4/127.0.0.1/tcp/7\"");
        assert_eq!(text.lines().count(), SAMPLE.lines().count());
        let config: Config = toml::from_str(&text)?;
        assert_eq!(config.p2p.listen, "/ip4/127.0.0.1/tcp/7");
        assert_eq!(config.api.listen.port(), 6);
        let bare: Config =
            toml::from_str(&set("[api]\nmax_streams = 3\n", "consensus", "role", "\"follower\""))?;
        assert_eq!((bare.api.max_streams, bare.consensus.role), (3, Role::Follower));
        Ok(())
    }
}
