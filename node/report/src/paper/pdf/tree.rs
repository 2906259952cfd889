//! The logical tree of a PDF: which content is a heading, a paragraph, a cell, a link or a chart.
//!
//! Source: ISO 32000-1, 14.7 and 14.8; ISO 14289-1 (PDF/UA-1).

use std::fmt::Write as _;

use super::file::{File, Ref, text};
use super::pen::{HEIGHT, Kind, Node};

/// A page as the tree needs it.
pub struct PageParts {
    /// Its object.
    pub page: Ref,
    /// By leaf: the number of its marked content, none for decoration; and its link, if it is one.
    pub leaves: Vec<(Option<usize>, Option<Ref>)>,
}

/// What leads from content back to its element.
#[derive(Debug, Default)]
struct Parents {
    /// By page, by number of the marked content.
    contents: Vec<Vec<Option<Ref>>>,
    /// By link's annotation.
    links: Vec<(Ref, Ref)>,
}

/// Writes the tree; gives its root. `key_of` says the number of a link in the table of parents.
pub fn write(
    file: &mut File,
    tree: &[Node],
    pages: &[PageParts],
    language: &str,
    key_of: impl Fn(Ref) -> usize,
) -> Ref {
    let (root, document) = (file.reserve(), file.reserve());
    let mut parents = Parents {
        contents: pages.iter().map(|page| vec![None; page.leaves.len()]).collect(),
        links: Vec::new(),
    };
    let children: Vec<String> =
        tree.iter().filter_map(|node| element(file, node, document, pages, &mut parents)).collect();
    let lang = text(language);
    file.set(
        document,
        format!("<< /Type /StructElem /S /Document /P {root} /Lang {lang} /K [{}] >>", children.join(" ")),
    );
    let mut numbers = String::new();
    for (at, contents) in parents.contents.iter().enumerate() {
        let refs: Vec<String> = contents.iter().flatten().map(ToString::to_string).collect();
        // Writing to a string does not fail.
        let _ = write!(numbers, "{at} [{}] ", refs.join(" "));
    }
    let mut links: Vec<(usize, Ref)> =
        parents.links.iter().map(|(annotation, owner)| (key_of(*annotation), *owner)).collect();
    links.sort_unstable();
    for (key, owner) in &links {
        let _ = write!(numbers, "{key} {owner} ");
    }
    let next = pages.len() + links.len();
    let table = file.add(format!("<< /Nums [{numbers}] >>"));
    file.set(
        root,
        format!("<< /Type /StructTreeRoot /K [{document}] /ParentTree {table} /ParentTreeNextKey {next} >>"),
    );
    root
}

/// An element with everything below it; none when there is nothing.
fn element(
    file: &mut File,
    node: &Node,
    parent: Ref,
    pages: &[PageParts],
    parents: &mut Parents,
) -> Option<String> {
    match node {
        Node::Leaf(page, at) => leaf(file, (*page, *at), parent, pages, parents),
        Node::Group(kind, children) => {
            let own = file.reserve();
            let inside: Vec<String> =
                children.iter().filter_map(|child| element(file, child, own, pages, parents)).collect();
            // An empty cell stays, so that every row has as many.
            if inside.is_empty() && !matches!(kind, Kind::Cell | Kind::ColumnHead | Kind::RowHead) {
                file.set(own, "null");
                return None;
            }
            let (name, more) = named(kind);
            let page = pages_of(node, pages);
            file.set(
                own,
                format!(
                    "<< /Type /StructElem /S /{name} /P {parent} {page} {more} /K [{}] >>",
                    inside.join(" ")
                ),
            );
            Some(own.to_string())
        }
    }
}

/// Content, or a link with its content and annotation.
fn leaf(
    file: &mut File,
    (page, at): (usize, usize),
    parent: Ref,
    pages: &[PageParts],
    parents: &mut Parents,
) -> Option<String> {
    let parts = pages.get(page)?;
    let (content, link) = parts.leaves.get(at).copied()?;
    let content = content?;
    let marked = format!("<< /Type /MCR /Pg {} /MCID {content} >>", parts.page);
    let (owner, shown) = match link {
        None => (parent, marked),
        Some(annotation) => {
            let object = format!("<< /Type /OBJR /Obj {annotation} /Pg {} >>", parts.page);
            let own = file.add(format!(
                "<< /Type /StructElem /S /Link /P {parent} /Pg {} /K [{marked} {object}] >>",
                parts.page
            ));
            parents.links.push((annotation, own));
            (own, own.to_string())
        }
    };
    if let Some(slot) = parents.contents.get_mut(page).and_then(|contents| contents.get_mut(content)) {
        *slot = Some(owner);
    }
    Some(shown)
}

/// The page on which a group begins.
fn pages_of(node: &Node, pages: &[PageParts]) -> String {
    fn first(node: &Node) -> Option<usize> {
        match node {
            Node::Leaf(page, _) => Some(*page),
            Node::Group(_, children) => children.iter().find_map(first),
        }
    }
    let page = first(node).and_then(|page| pages.get(page));
    page.map(|parts| format!("/Pg {}", parts.page)).unwrap_or_default()
}

fn named(kind: &Kind) -> (String, String) {
    let plain = |name: &str| (name.to_owned(), String::new());
    match kind {
        Kind::Heading(level) => plain(&format!("H{level}")),
        Kind::Paragraph => plain("P"),
        Kind::List => ("L".to_owned(), "/A << /O /List /ListNumbering /None >>".to_owned()),
        Kind::Item => plain("LI"),
        Kind::Body => plain("LBody"),
        Kind::Table => plain("Table"),
        Kind::Caption => plain("Caption"),
        Kind::Row => plain("TR"),
        Kind::ColumnHead => ("TH".to_owned(), "/A << /O /Table /Scope /Column >>".to_owned()),
        Kind::RowHead => ("TH".to_owned(), "/A << /O /Table /Scope /Row >>".to_owned()),
        Kind::Cell => plain("TD"),
        Kind::Chart(says, [left, top, right, bottom]) => {
            let place = format!("{left:.2} {:.2} {right:.2} {:.2}", HEIGHT - bottom, HEIGHT - top);
            (
                "Figure".to_owned(),
                format!("/Alt {} /A << /O /Layout /Placement /Block /BBox [{place}] >>", text(says)),
            )
        }
    }
}
