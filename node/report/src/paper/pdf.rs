//! A paper as a tagged PDF 1.7 in the form of PDF/UA-1: text that can be read and searched, charts as vectors, proofs as links.
//!
//! Flow: `layout` breaks the paper into pages of drawings, each a leaf of the logical tree → `draw` writes pages, `tree`
//! the tree, into a [`file`]. No clock and no random id: the same paper gives the same bytes. The fonts are in the program.
//!
//! Why not a crate: `docs/decisions/0034-reports.md`.

mod draw;
mod file;
mod fonts;
mod layout;
mod pen;
mod tables;
mod tree;

use super::Paper;

/// Why a PDF cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// A font of the program cannot be read: a defect of the build.
    #[error("a font of the program cannot be read")]
    Font,
}

/// The file.
///
/// # Errors
/// [`PdfError`].
pub fn render(paper: &Paper) -> Result<Vec<u8>, PdfError> {
    let fonts = fonts::Fonts::load()?;
    let laid = layout::lay(paper, &fonts);
    Ok(draw::write(paper, &fonts, &laid))
}
