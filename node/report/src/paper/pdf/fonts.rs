//! The two fonts of every PDF, and how wide a text is in them. DejaVu Sans, subset; its licence stands beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ttf_parser::Face;

use super::PdfError;
use super::file::{File, Ref};

const REGULAR: &[u8] = include_bytes!("../../../fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../../fonts/DejaVuSans-Bold.ttf");

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// For text.
    Regular,
    /// For headings.
    Bold,
}

/// A font with its bytes.
struct Loaded {
    name: &'static str,
    bytes: &'static [u8],
    face: Face<'static>,
}

/// Both fonts.
pub struct Fonts {
    regular: Loaded,
    bold: Loaded,
}

impl Fonts {
    /// Reads them.
    ///
    /// # Errors
    /// [`PdfError::Font`]: a defect of the build.
    pub fn load() -> Result<Self, PdfError> {
        let load = |name, bytes| {
            Ok(Loaded { name, bytes, face: Face::parse(bytes, 0).map_err(|_| PdfError::Font)? })
        };
        Ok(Self { regular: load("DejaVuSans", REGULAR)?, bold: load("DejaVuSans-Bold", BOLD)? })
    }

    const fn of(&self, weight: Weight) -> &Loaded {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// The glyphs of a text in hex, as a page shows them.
    pub fn glyphs(&self, weight: Weight, text: &str) -> String {
        let face = &self.of(weight).face;
        let glyph = |c: char| face.glyph_index(c).map_or(0, |glyph| glyph.0);
        text.chars().fold(String::new(), |mut out, c| {
            // Writing to a string does not fail.
            let _ = write!(out, "{:04X}", glyph(c));
            out
        })
    }

    /// Writes a font into a file: whole, with the width of every glyph and the sign it stands for.
    pub fn embed(&self, weight: Weight, file: &mut File) -> Ref {
        let loaded = self.of(weight);
        let face = &loaded.face;
        let per_em = i64::from(face.units_per_em()).max(1);
        let scaled = |units: i64| units * 1_000 / per_em;
        let data = file.stream(&format!("/Length1 {}", loaded.bytes.len()), loaded.bytes);
        let bounds = face.global_bounding_box();
        let bounds = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|n| scaled(n.into()));
        let name = format!("AULAAA+{}", loaded.name);
        let descriptor = file.add(format!(
            "<< /Type /FontDescriptor /FontName /{name} /Flags 4 /FontBBox [{} {} {} {}] /ItalicAngle 0 /Ascent {} \
             /Descent {} /CapHeight {} /StemV 80 /FontFile2 {data} >>",
            bounds[0],
            bounds[1],
            bounds[2],
            bounds[3],
            scaled(face.ascender().into()),
            scaled(face.descender().into()),
            scaled(face.capital_height().unwrap_or(1_493).into()),
        ));
        let mut widths = String::new();
        for glyph in 0..face.number_of_glyphs() {
            let advance = face.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or(0);
            let _ = write!(widths, "{} ", scaled(advance.into()));
        }
        let descendant = file.add(format!(
            "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) \
             /Supplement 0 >> /FontDescriptor {descriptor} /CIDToGIDMap /Identity /W [0 [{widths}]] >>"
        ));
        let unicode = file.stream("", to_unicode(face).as_bytes());
        file.add(format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H /DescendantFonts [{descendant}] \
             /ToUnicode {unicode} >>"
        ))
    }

    /// A text with every sign that the font lacks as a question mark, so that no text is refused for one.
    pub fn known(&self, text: &str) -> String {
        let has = |loaded: &Loaded, c: char| loaded.face.glyph_index(c).is_some();
        text.chars().map(|c| if has(&self.regular, c) && has(&self.bold, c) { c } else { '?' }).collect()
    }

    /// Width of a text in points.
    pub fn width(&self, weight: Weight, size: f32, text: &str) -> f32 {
        let face = &self.of(weight).face;
        let advance =
            |c: char| face.glyph_index(c).and_then(|glyph| face.glyph_hor_advance(glyph)).unwrap_or(0);
        let units: u32 = text.chars().map(|c| u32::from(advance(c))).sum();
        units as f32 * size / f32::from(face.units_per_em())
    }

    /// A text in lines of at most this width: parted at spaces, and within a word that is longer.
    pub fn lines(&self, weight: Weight, size: f32, text: &str, width: f32) -> Vec<String> {
        let text = self.known(text);
        let fits = |line: &str| self.width(weight, size, line) <= width;
        let (mut lines, mut line) = (Vec::new(), String::new());
        for word in text.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if fits(&longer) {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                line.push(c);
                if !fits(&line) && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, c.to_string()));
                }
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }
}

/// The signs that a font's glyphs stand for, as a character map (ISO 32000-1, 9.10.3): what makes text searchable.
fn to_unicode(face: &Face<'_>) -> String {
    let mut signs: BTreeMap<u16, char> = BTreeMap::new();
    let tables = face.tables().cmap.into_iter().flat_map(|cmap| cmap.subtables);
    for table in tables.filter(ttf_parser::cmap::Subtable::is_unicode) {
        table.codepoints(|code| {
            if let (Some(c), Some(glyph)) = (char::from_u32(code), table.glyph_index(code)) {
                signs.entry(glyph.0).or_insert(c);
            }
        });
    }
    let mut out = String::from(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n\
         /CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
    );
    let all: Vec<_> = signs.into_iter().collect();
    for part in all.chunks(100) {
        let _ = writeln!(out, "{} beginbfchar", part.len());
        for (glyph, c) in part {
            let mut units = [0u16; 2];
            let hex = c.encode_utf16(&mut units).iter().map(|unit| format!("{unit:04X}")).collect::<String>();
            let _ = writeln!(out, "<{glyph:04X}> <{hex}>");
        }
        out.push_str("endbfchar\n");
    }
    out.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lose_nothing() -> Result<(), PdfError> {
        let fonts = Fonts::load()?;
        let text = "Every figure names its proof: /v1/evidence/figures/district/12 and more";
        let lines = fonts.lines(Weight::Regular, 10.0, text, 90.0);
        assert!(lines.iter().all(|line| fonts.width(Weight::Regular, 10.0, line) <= 90.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(fonts.known("a\u{1f600}\u{f1}"), "a?\u{f1}");
        Ok(())
    }

    #[test]
    fn every_sign_of_a_report_is_in_both_fonts() -> Result<(), PdfError> {
        let fonts = Fonts::load()?;
        let signs = "\u{2013}\u{2212}\u{b1}\u{d7}\u{2192}\u{a0}\u{bf}\u{a1}\u{e1}\u{e9}\u{ed}\u{f3}\u{fa}\u{fc}\u{f1}\u{d1}\u{c1}\u{c9}\u{cd}\u{d3}\u{da}";
        assert_eq!(fonts.known(signs), signs);
        Ok(())
    }
}
