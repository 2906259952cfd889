//! A QR code as a picture of vectors: black on white whatever the page's colours, with the quiet zone around it that readers want.

use fast_qr::ECL;
use fast_qr::qr::{QRBuilder, QRCode};
use maud::{Markup, html};

/// Modules of the quiet zone (ISO/IEC 18004).
const QUIET: usize = 4;

/// The code of an address, at the level that survives a fold (15 % lost); none of a text that fits into no code.
pub fn picture(text: &str, said: &str) -> Option<Markup> {
    let code = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
    let side = code.size.saturating_add(2 * QUIET);
    Some(html! {
        svg .qr xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (side) " " (side) } width="160" height="160" role="img" aria-label=(said) shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path(&code)) fill="#000" {}
        }
    })
}

/// The same as rows of modules, true for a dark one, with the quiet zone around them.
pub fn modules(text: &str) -> Option<Vec<Vec<bool>>> {
    let code = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
    let side = code.size.saturating_add(2 * QUIET);
    let inner = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
    let dark = |x, y| inner(x).zip(inner(y)).is_some_and(|(x, y)| is_dark(&code, x, y));
    Some((0..side).map(|y| (0..side).map(|x| dark(x, y)).collect()).collect())
}

/// Dark modules, one stroke a run of them.
fn path(code: &QRCode) -> String {
    let mut path = String::new();
    for y in 0..code.size {
        let mut x = 0;
        while x < code.size {
            let run = (x..code.size).take_while(|at| is_dark(code, *at, y)).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    path
}

fn is_dark(code: &QRCode, x: usize, y: usize) -> bool {
    code.data.get(y.saturating_mul(code.size).saturating_add(x)).is_some_and(|module| module.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_and_a_quiet_zone() {
        let link = format!("https://node.district.example/family/{}", "0123456789abcdef".repeat(4));
        let svg = picture(&link, "Opens the page").map(Markup::into_string).unwrap_or_default();
        // Version 6 at level M holds 106 bytes: 41 modules and 8 of the quiet zone.
        assert!(
            svg.contains("viewBox=\"0 0 49 49\"") && svg.contains("aria-label=\"Opens the page\""),
            "{svg}"
        );
        for corner in ["M4 4h7v1h-7z", "M38 4h7v1h-7z", "M4 38h7v1h-7z"] {
            assert!(svg.contains(corner), "{corner} in {svg}");
        }
        assert!(svg.len() < 20_000 && !svg.contains("style"), "{} bytes", svg.len());
        assert!(picture(&"x".repeat(3_000), "").is_none());
        let modules = modules(&link).unwrap_or_default();
        assert_eq!((modules.len(), modules[0].len()), (49, 49));
        // A corner's dark frame, and the light one around it.
        assert!(modules[4][4..11].iter().all(|dark| *dark) && !modules[5][5] && !modules[3].contains(&true));
    }
}
