//! Credentials inside pictures: PNG (an iTXt chunk) and SVG (an element), Open Badges 3.0, 5.3.

use roxmltree::{Document, ParsingOptions};

use super::limits::MAX_BYTES;

/// The keyword of the PNG's chunk.
const KEYWORD: &[u8] = b"openbadgecredential";
/// The namespace of the SVG's element.
const NAMESPACE: &str = "https://purl.imsglobal.org/ob/v3p0";
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Pixels as bytes: a picture may be larger than a credential.
pub const MAX_PICTURE_BYTES: usize = 8 * MAX_BYTES;

/// Why a picture holds no credential, or cannot be given one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BakedError {
    /// The PNG is damaged.
    #[error("the PNG is damaged: {0}")]
    Png(&'static str),
    /// The SVG is not XML that is read here.
    #[error("the SVG is not readable: {0}")]
    Svg(String),
    /// No credential, or more than one.
    #[error("the picture holds {0} credentials; one is wanted")]
    Count(usize),
    /// Neither PNG nor SVG.
    #[error("it is neither a PNG nor an SVG")]
    NotAPicture,
}

/// The credential in a picture; none when the bytes are not a picture.
///
/// # Errors
/// [`BakedError`].
pub fn take_out(bytes: &[u8]) -> Result<Option<Vec<u8>>, BakedError> {
    if bytes.starts_with(SIGNATURE) {
        let mut texts: Vec<&[u8]> = Vec::new();
        for chunk in chunks(bytes)? {
            if let Some(text) = credential_text(&chunk)? {
                texts.push(text);
            }
        }
        return one(texts.into_iter().map(<[u8]>::to_vec).collect()).map(Some);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(None) };
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return Ok(None);
    }
    let document = xml(text)?;
    let elements = document.descendants().filter(|node| node.has_tag_name((NAMESPACE, "credential")));
    let texts = elements.map(|node| match node.attribute("verify") {
        Some(token) => token.trim().as_bytes().to_vec(),
        None => {
            node.children().filter_map(|child| child.text()).collect::<String>().trim().as_bytes().to_vec()
        }
    });
    one(texts.collect()).map(Some)
}

/// XML with the document type that SVG files have, and without entities of its own: they could say anything to another
/// reader.
fn xml(text: &str) -> Result<Document<'_>, BakedError> {
    if text.contains("<!ENTITY") {
        return Err(BakedError::Svg("it defines entities".to_owned()));
    }
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 200_000, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|e| BakedError::Svg(e.to_string()))
}

fn one(mut texts: Vec<Vec<u8>>) -> Result<Vec<u8>, BakedError> {
    match (texts.len(), texts.pop()) {
        (1, Some(text)) => Ok(text),
        (count, _) => Err(BakedError::Count(count)),
    }
}

/// A picture with a credential (JSON or token) in place of whichever it had.
///
/// # Errors
/// [`BakedError`].
pub fn put_in(picture: &[u8], credential: &str) -> Result<Vec<u8>, BakedError> {
    if picture.starts_with(SIGNATURE) { png(picture, credential) } else { svg(picture, credential) }
}

struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    whole: &'a [u8],
}

fn chunks(bytes: &[u8]) -> Result<Vec<Chunk<'_>>, BakedError> {
    let mut rest = &bytes[SIGNATURE.len()..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let cut = BakedError::Png("it ends inside a chunk");
        let (head, _) = rest.split_at_checked(8).ok_or(cut.clone())?;
        let length = head[..4].iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        let (whole, after) = length.checked_add(12).and_then(|n| rest.split_at_checked(n)).ok_or(cut)?;
        let (body, sum) = whole[4..].split_at(length + 4);
        if crc(body).to_be_bytes() != sum {
            return Err(BakedError::Png("a chunk's checksum is wrong"));
        }
        found.push(Chunk { kind: &body[..4], data: &body[4..], whole });
        rest = after;
    }
    match (found.first(), found.last()) {
        (Some(first), Some(last)) if first.kind == b"IHDR" && last.kind == b"IEND" => Ok(found),
        _ => Err(BakedError::Png("it does not begin with IHDR and end with IEND")),
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// The text of a chunk that holds a credential: keyword, compression (none: 5.3.1.1), language and translation, text.
fn credential_text<'a>(chunk: &Chunk<'a>) -> Result<Option<&'a [u8]>, BakedError> {
    let bad = || BakedError::Png("its credential's chunk is malformed or compressed");
    if chunk.kind != b"iTXt" {
        return Ok(None);
    }
    let Some(rest) = chunk.data.strip_prefix(KEYWORD).and_then(|rest| rest.strip_prefix(&[0])) else {
        return Ok(None);
    };
    let rest = rest.strip_prefix(&[0, 0]).ok_or_else(bad)?;
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let _language = parts.next().ok_or_else(bad)?;
    let _translated = parts.next().ok_or_else(bad)?;
    parts.next().map(Some).ok_or_else(bad)
}

fn png(picture: &[u8], credential: &str) -> Result<Vec<u8>, BakedError> {
    let mut out = SIGNATURE.to_vec();
    for chunk in chunks(picture)? {
        if credential_text(&chunk)?.is_some() {
            continue;
        }
        out.extend_from_slice(chunk.whole);
        if chunk.kind == b"IHDR" {
            let data = [b"iTXt", KEYWORD, &[0, 0, 0, 0, 0], credential.as_bytes()].concat();
            let length =
                u32::try_from(data.len() - 4).map_err(|_| BakedError::Png("the credential is too large"))?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&data);
            out.extend_from_slice(&crc(&data).to_be_bytes());
        }
    }
    Ok(out)
}

fn svg(picture: &[u8], credential: &str) -> Result<Vec<u8>, BakedError> {
    let text = std::str::from_utf8(picture).map_err(|_| BakedError::NotAPicture)?;
    let document = xml(text)?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" {
        return Err(BakedError::NotAPicture);
    }
    // The first child begins where the root's start tag ends.
    let at = root.first_child().map(|child| child.range().start);
    let at = at.ok_or_else(|| BakedError::Svg("the picture is empty".to_owned()))?;
    let old = root.descendants().filter(|node| node.has_tag_name((NAMESPACE, "credential")));
    let mut gone: Vec<std::ops::Range<usize>> = old.map(|node| node.range()).collect();
    let body = if credential.starts_with('{') {
        // `>` stands only inside JSON strings, where it may be escaped; so the section cannot be closed from inside.
        format!("><![CDATA[{}]]></openbadges:credential>", credential.replace("]]>", "]]\\u003e"))
    } else {
        format!(" verify=\"{credential}\"/>")
    };
    let element = format!("<openbadges:credential xmlns:openbadges=\"{NAMESPACE}\"{body}");
    gone.sort_by_key(|range| range.start);
    let (mut out, mut from) = (format!("{}{element}", &text[..at]), at);
    for range in gone {
        out.push_str(text.get(from..range.start).unwrap_or_default());
        from = from.max(range.end);
    }
    out.push_str(&text[from..]);
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One grey pixel.
    fn pixel() -> Vec<u8> {
        let mut out = SIGNATURE.to_vec();
        let chunks: [(&[u8], &[u8]); 3] = [
            (b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]),
            (b"IDAT", &[0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1]),
            (b"IEND", &[]),
        ];
        for (kind, data) in chunks {
            let body = [kind, data].concat();
            out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
            out.extend_from_slice(&body);
            out.extend_from_slice(&crc(&body).to_be_bytes());
        }
        out
    }

    #[test]
    fn a_png_gives_back_what_was_put_in_and_only_the_last() -> Result<(), BakedError> {
        let once = put_in(&pixel(), "{\"a\":\"é\"}")?;
        assert_eq!(take_out(&once)?, Some("{\"a\":\"é\"}".as_bytes().to_vec()));
        let twice = put_in(&once, "x.y.z")?;
        assert_eq!(take_out(&twice)?, Some(b"x.y.z".to_vec()));
        assert_eq!(take_out(&pixel()), Err(BakedError::Count(0)));
        Ok(())
    }

    #[test]
    fn a_damaged_png_is_refused() -> Result<(), BakedError> {
        let good = put_in(&pixel(), "{}")?;
        for at in 8..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(take_out(&bad).is_err(), "byte {at}");
        }
        assert!(take_out(&good[..good.len() - 1]).is_err());
        Ok(())
    }

    #[test]
    fn an_svg_gives_back_what_was_put_in_and_only_the_last() -> Result<(), BakedError> {
        let picture = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><g/><rect/></svg>";
        let once = put_in(picture, "{\"a\":\"]]>\"}")?;
        assert_eq!(take_out(&once)?, Some(b"{\"a\":\"]]\\u003e\"}".to_vec()));
        let twice = put_in(&once, "x.y.z")?;
        assert_eq!(take_out(&twice)?, Some(b"x.y.z".to_vec()));
        assert!(std::str::from_utf8(&twice).is_ok_and(|text| text.ends_with("<g/><rect/></svg>")));
        Ok(())
    }

    #[test]
    fn an_svg_with_entities_is_refused() {
        let bomb = b"<!DOCTYPE svg [<!ENTITY a \"b\">]><svg>&a;</svg>";
        assert!(matches!(take_out(bomb), Err(BakedError::Svg(_))));
        assert_eq!(take_out(b"{}"), Ok(None));
    }
}
