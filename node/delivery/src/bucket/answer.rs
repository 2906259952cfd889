//! What a service that speaks S3 answers: lists of versions and of begun uploads, and errors, as XML.

use roxmltree::{Document, Node};

/// A version of an object, or a begun upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub key: String,
    pub id: String,
}

/// A page of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub found: Vec<Version>,
    /// After which key and id the next page begins; none when this is the last.
    pub next: Option<(String, String)>,
}

/// The text of the first element of this name.
pub fn text(body: &[u8], name: &str) -> Option<String> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let found = document.descendants().find(|node| node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().to_owned())
}

fn child(node: &Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.children().find(|child| child.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().to_owned())
}

fn page(body: &[u8], root: &str, items: &[&str], id: &str, next: (&str, &str)) -> Result<Listed, String> {
    let read = || format!("its answer is not a {root}");
    let document =
        std::str::from_utf8(body).ok().and_then(|text| Document::parse(text).ok()).ok_or_else(read)?;
    let top = document.root_element();
    if top.tag_name().name() != root {
        return Err(read());
    }
    let mut listed = Listed::default();
    for node in top.children().filter(|node| items.contains(&node.tag_name().name())) {
        let (key, id) = child(&node, "Key").zip(child(&node, id)).ok_or_else(read)?;
        listed.found.push(Version { key, id });
    }
    if child(&top, "IsTruncated").is_some_and(|word| word == "true") {
        let key = child(&top, next.0).filter(|key| !key.is_empty()).ok_or_else(read)?;
        listed.next = Some((key, child(&top, next.1).unwrap_or_default()));
    }
    Ok(listed)
}

/// A page of versions and delete markers. Of an object that was never versioned the id is `null`.
pub fn versions(body: &[u8]) -> Result<Listed, String> {
    let items = ["Version", "DeleteMarker"];
    page(body, "ListVersionsResult", &items, "VersionId", ("NextKeyMarker", "NextVersionIdMarker"))
}

/// A page of begun uploads.
pub fn uploads(body: &[u8]) -> Result<Listed, String> {
    let next = ("NextKeyMarker", "NextUploadIdMarker");
    page(body, "ListMultipartUploadsResult", &["Upload"], "UploadId", next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_markers_and_pages_are_read_and_anything_else_is_not() {
        let one = "<Version><Key>a/1</Key><VersionId>v1</VersionId></Version><DeleteMarker><Key>a/1</Key><VersionId>null</VersionId></DeleteMarker>";
        let page = |more: &str| {
            format!(
                "<?xml version=\"1.0\"?><ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{one}{more}</ListVersionsResult>"
            )
        };
        let last = versions(page("<IsTruncated>false</IsTruncated>").as_bytes());
        assert!(
            last.as_ref().is_ok_and(|listed| listed.found.len() == 2 && listed.next.is_none()),
            "{last:?}"
        );
        let more = "<IsTruncated>true</IsTruncated><NextKeyMarker>a/1</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker>";
        let next = versions(page(more).as_bytes()).map(|listed| listed.next);
        assert_eq!(next, Ok(Some(("a/1".into(), "null".into()))));
        for bad in [
            "",
            "<html/>",
            "<ListVersionsResult><Version><Key>a</Key></Version></ListVersionsResult>",
            "<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>",
        ] {
            assert!(versions(bad.as_bytes()).is_err() && uploads(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(
            text(b"<Error><Code>NoSuchBucket</Code></Error>", "Code").as_deref(),
            Some("NoSuchBucket")
        );
        assert_eq!(text(b"not xml", "Code"), None);
    }
}
