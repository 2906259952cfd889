//! Pages, links, outline and metadata of a PDF.

use std::fmt::Write as _;

use super::file::{File, Ref, ascii, text};
use super::fonts::{Fonts, Weight};
use super::layout::Laid;
use super::pen::{Drawing, Goes, HEIGHT, Leaf, Part, Shade, WIDTH};
use super::tree::{self, PageParts};
use crate::paper::{Paper, number};

/// The file's bytes.
pub fn write(paper: &Paper, fonts: &Fonts, laid: &Laid) -> Vec<u8> {
    let mut file = File::default();
    let (catalog, pages) = (file.reserve(), file.reserve());
    let [regular, bold] = [Weight::Regular, Weight::Bold].map(|weight| fonts.embed(weight, &mut file));
    let resources = file.add(format!("<< /Font << /F1 {regular} /F2 {bold} >> >>"));
    let mut parts: Vec<PageParts> = Vec::new();
    // The table of parents has the pages first, then the links in their order.
    let mut links: Vec<Ref> = Vec::new();
    for leaves in &laid.pages {
        let own = file.reserve();
        let content = file.stream("", content(leaves, fonts).as_bytes());
        let mut of_leaves = Vec::with_capacity(leaves.len());
        let (mut mark, mut annotations) = (0usize, Vec::new());
        for leaf in leaves {
            let marked = (leaf.part == Part::Content).then_some(mark);
            mark += usize::from(marked.is_some());
            let link = leaf.goes.as_ref().map(|goes| {
                let key = laid.pages.len() + links.len();
                let link = file.add(annotation(goes, key));
                links.push(link);
                annotations.push(link.to_string());
                link
            });
            of_leaves.push((marked, link));
        }
        file.set(
            own,
            format!(
                "<< /Type /Page /Parent {pages} /MediaBox [0 0 {WIDTH} {HEIGHT}] /Resources {resources} /Contents {content} \
                 /Tabs /S /StructParents {} /Annots [{}] >>",
                parts.len(),
                annotations.join(" ")
            ),
        );
        parts.push(PageParts { page: own, leaves: of_leaves });
    }
    let kids: Vec<String> = parts.iter().map(|part| part.page.to_string()).collect();
    file.set(pages, format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), kids.len()));
    let count = parts.len();
    let key_of = |link: Ref| count + links.iter().position(|one| *one == link).unwrap_or(0);
    let root = tree::write(&mut file, &laid.tree, &parts, paper.language.tag(), key_of);
    let outline = outline(&mut file, laid, &parts);
    let metadata = file.raw("/Type /Metadata /Subtype /XML", xmp(paper).as_bytes());
    file.set(
        catalog,
        format!(
            "<< /Type /Catalog /Pages {pages} /MarkInfo << /Marked true >> /Lang {} /ViewerPreferences << /DisplayDocTitle true \
             >> /StructTreeRoot {root} /Outlines {outline} /Metadata {metadata} >>",
            text(paper.language.tag())
        ),
    );
    let made = number::civil(paper.as_of_ms);
    let info = file.add(format!(
        "<< /Title {} /Author {} /Creator (Aula) /CreationDate (D:{}Z) >>",
        text(&title(paper)),
        text(&paper.subtitle),
        made.strftime("%Y%m%d%H%M%S")
    ));
    file.finish(catalog, info)
}

fn title(paper: &Paper) -> String {
    format!("{} \u{2013} {}", paper.title, paper.subtitle)
}

/// The operators of a page.
fn content(leaves: &[Leaf], fonts: &Fonts) -> String {
    let (mut out, mut mark) = (String::new(), 0usize);
    for leaf in leaves {
        match leaf.part {
            Part::Decoration => out.push_str("/Artifact BMC\n"),
            Part::Content => {
                // Writing to a string does not fail.
                let _ = writeln!(out, "/Span << /MCID {mark} >> BDC");
                mark += 1;
            }
        }
        leaf.drawings.iter().for_each(|drawing| draw(&mut out, drawing, fonts));
        out.push_str("EMC\n");
    }
    out
}

/// Red, green and blue.
const fn color(shade: Shade) -> &'static str {
    match shade {
        Shade::Ink => "0.106 0.122 0.141",
        Shade::Soft => "0.341 0.376 0.416",
        Shade::Accent => "0.043 0.361 0.678",
        Shade::Line => "0.690 0.722 0.757",
        Shade::Panel => "0.945 0.953 0.961",
    }
}

fn draw(out: &mut String, drawing: &Drawing, fonts: &Fonts) {
    // A page's origin is its lower left corner.
    let _ = match drawing {
        Drawing::Text { x, y, size, weight, shade, text } => {
            let name = if *weight == Weight::Bold { "F2" } else { "F1" };
            let glyphs = fonts.glyphs(*weight, text);
            let y = HEIGHT - y;
            writeln!(
                out,
                "{} rg BT /{name} {size:.2} Tf 1 0 0 1 {x:.2} {y:.2} Tm <{glyphs}> Tj ET",
                color(*shade)
            )
        }
        Drawing::Filled { x, y, width, height, shade } => {
            let y = HEIGHT - y - height;
            writeln!(out, "{} rg {x:.2} {y:.2} {width:.2} {height:.2} re f", color(*shade))
        }
        Drawing::Dashed { x, y, width, height } => {
            let y = HEIGHT - y - height;
            let stroke = color(Shade::Accent);
            writeln!(out, "q {stroke} RG 0.7 w [2 1.5] 0 d {x:.2} {y:.2} {width:.2} {height:.2} re S Q")
        }
    };
}

fn annotation(goes: &Goes, key: usize) -> String {
    let [left, top, right, bottom] = goes.place;
    format!(
        "<< /Type /Annot /Subtype /Link /Rect [{left:.2} {:.2} {right:.2} {:.2}] /Border [0 0 0] /F 4 /StructParent {key} \
         /Contents {} /A << /S /URI /URI {} >> >>",
        HEIGHT - bottom,
        HEIGHT - top,
        text(&goes.says),
        ascii(&goes.uri)
    )
}

/// The headings, for a reader's side bar.
fn outline(file: &mut File, laid: &Laid, parts: &[PageParts]) -> Ref {
    let root = file.reserve();
    let items: Vec<Ref> = laid.outline.iter().map(|_| file.reserve()).collect();
    for (at, ((heading, page, y), own)) in laid.outline.iter().zip(&items).enumerate() {
        let Some(part) = parts.get(*page) else { continue };
        let before = at.checked_sub(1).and_then(|at| items.get(at));
        let sides = [("/Prev", before), ("/Next", items.get(at + 1))];
        let sides: String =
            sides.iter().filter_map(|(name, item)| item.map(|item| format!("{name} {item} "))).collect();
        let top = HEIGHT - y.max(0.0);
        file.set(
            *own,
            format!(
                "<< /Title {} /Parent {root} {sides}/Dest [{} /XYZ 0 {top:.2} null] >>",
                text(heading),
                part.page
            ),
        );
    }
    let ends = items.first().zip(items.last());
    let ends = ends.map(|(first, last)| format!("/First {first} /Last {last} /Count {}", items.len()));
    file.set(root, format!("<< /Type /Outlines {} >>", ends.unwrap_or_default()));
    root
}

/// The metadata as XMP (ISO 16684-1), with the mark of PDF/UA-1.
fn xmp(paper: &Paper) -> String {
    let made = number::civil(paper.as_of_ms);
    let created = made.strftime("%Y-%m-%dT%H:%M:%S");
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (title, author) = (plain(&title(paper)), plain(&paper.subtitle));
    let (language, id) = (paper.language.tag(), plain(&paper.id));
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
         xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
         xmlns:pdfuaid=\"http://www.aiim.org/pdfua/ns/id/\"><pdfuaid:part>1</pdfuaid:part><dc:title><rdf:Alt><rdf:li \
         xml:lang=\"x-default\">{title}</rdf:li></rdf:Alt></dc:title><dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq>\
         </dc:creator><dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language><dc:identifier>{id}</dc:identifier>\
         <xmp:CreatorTool>Aula</xmp:CreatorTool><xmp:CreateDate>{created}Z\
         </xmp:CreateDate></rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"
    )
}
