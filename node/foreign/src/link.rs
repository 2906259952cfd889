//! Links to next pages.

/// The next page of a `Link` header (RFC 8288).
pub fn next_page(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(at) = rest.find('<') {
        let (url, behind) = rest.get(at + 1..)?.split_once('>')?;
        let own = behind.split('<').next().unwrap_or_default();
        let is_next = own.split(';').any(|part| {
            let part = part.trim().trim_end_matches([',', ' ']).to_ascii_lowercase();
            part.strip_prefix("rel=")
                .is_some_and(|rel| rel.trim_matches('"').split(' ').any(|one| one == "next"))
        });
        if is_next {
            return Some(url.to_owned());
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (header, next) in [
            ("<https://a/1>; rel=\"next\"", Some("https://a/1")),
            ("<https://a/0>; rel=\"prev\", <https://a/2>; rel=next", Some("https://a/2")),
            ("<https://a/2>;rel=\"last next\"", Some("https://a/2")),
            ("<https://a/2>; rel=differences", None),
            ("https://a/2; rel=next", None),
            ("<https://a/2", None),
            ("", None),
        ] {
            assert_eq!(next_page(header).as_deref(), next, "{header}");
        }
    }
}
