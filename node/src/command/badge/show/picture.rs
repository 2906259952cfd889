//! The badge as a picture: an SVG with its words and the code, or a PNG of the code (one bit a pixel, PNG 1.2), for the badge to be put in.

use std::io::Write;

use aula_web::qr;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use maud::html;

use super::Shown;

/// Pixels of a module: readable from a screen and printed at 300 dots an inch.
const MODULE: usize = 8;
/// Letters of a line.
const LINE: usize = 34;

/// An SVG; none when the address fits into no code.
pub fn svg(shown: &Shown<'_>) -> Option<String> {
    let words = shown.words();
    let modules = qr::modules(&shown.link)?;
    let side = modules.len();
    let dates = match words.until {
        Some(until) => format!("{} – {until}", words.from),
        None => words.from.to_owned(),
    };
    let name: Vec<String> = lines(words.name, 3);
    let below = 150 + 34 * name.len();
    let dark: String = modules
        .iter()
        .enumerate()
        .flat_map(|(y, row)| {
            row.iter().enumerate().filter(|(_, dark)| **dark).map(move |(x, _)| format!("M{x} {y}h1v1h-1z"))
        })
        .collect();
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 640" width="480" height="640" role="img" aria-label=(words.name) font-family="Georgia, serif" {
            title { (words.name) }
            rect x="2" y="2" width="476" height="636" rx="18" fill="#fff" stroke="#0b5d3b" stroke-width="4" {}
            circle cx="240" cy="68" r="40" fill="#0b5d3b" {}
            path d="M222 70l12 12 26-28" fill="none" stroke="#fff" stroke-width="7" {}
            @for (at, line) in name.iter().enumerate() {
                text x="240" y=(150 + 34 * at) text-anchor="middle" font-size="26" font-weight="700" fill="#16191d" { (line) }
            }
            @for (at, line) in lines(words.issuer, 2).iter().enumerate() {
                text x="240" y=(below + 24 * at) text-anchor="middle" font-size="18" fill="#16191d" { (line) }
            }
            text x="240" y=(below + 56) text-anchor="middle" font-size="16" fill="#535e6b" { (dates) }
            svg x="130" y="390" width="220" height="220" viewBox={ "0 0 " (side) " " (side) } shape-rendering="crispEdges" {
                rect width=(side) height=(side) fill="#fff" {}
                path d=(dark) fill="#000" {}
            }
        }
    };
    Some(picture.into_string())
}

/// A text in so many lines at most; what is longer ends with dots.
fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= LINE {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    let cut = lines.len() > most;
    lines.truncate(most);
    for line in &mut lines {
        if line.chars().count() > LINE {
            *line = line.chars().take(LINE - 1).chain(['…']).collect();
        }
    }
    if let Some(last) = lines.last_mut().filter(|last| cut && !last.ends_with('…')) {
        last.push('…');
    }
    lines
}

/// A PNG of the code; none when the address fits into no code.
pub fn png(link: &str) -> Option<Vec<u8>> {
    let modules = qr::modules(link)?;
    let side = modules.len().checked_mul(MODULE)?;
    let mut raw = Vec::with_capacity(side * (side / 8 + 2));
    for row in &modules {
        // One bit a pixel, and a module is a byte of them; 1 is white.
        let line: Vec<u8> = row.iter().map(|dark| if *dark { 0 } else { 0xff }).collect();
        for _ in 0..MODULE {
            raw.push(0);
            raw.extend_from_slice(&line);
        }
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&raw).ok()?;
    let width = u32::try_from(side).ok()?.to_be_bytes();
    let head = [&width[..], &width, &[1, 0, 0, 0, 0]].concat();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", head), (b"IDAT", packed.finish().ok()?), (b"IEND", Vec::new())] {
        let body = [&kind[..], &data].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&body);
        bytes.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        bytes.extend(&body);
        bytes.extend(sum.sum().to_be_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn long_names_are_cut_with_dots() {
        assert_eq!(lines("Ratios", 3), ["Ratios"]);
        let long = lines(&"reasons with ratios ".repeat(9), 3);
        assert!(
            long.len() == 3 && long[2].ends_with('…') && long.iter().all(|line| line.chars().count() <= 35)
        );
        assert!(lines(&"x".repeat(200), 3)[0].ends_with('…'));
        assert_eq!(lines("", 3), [""]);
    }
}
