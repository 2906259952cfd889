use super::*;
use crate::credentials::Options;
use crate::credentials::baked;
use crate::credentials::issuer::{Pin, Trust};
use crate::credentials::sources::Sources;
use crate::credentials::status::{Status, StatusList};
use crate::credentials::verify::{Report, Unreadable, Verdict, verify};

type Failure = Box<dyn std::error::Error>;

fn badge() -> Badge {
    Badge {
        id: "urn:uuid:0f3c9ba0-1111-4c1a-9f11-000000000003".into(),
        issuer: IssuerProfile { id: "did:web:district.example".into(), name: "A district".into(), url: None },
        subject: "did:example:learner".into(),
        achievement: AchievementWords {
            id: "https://district.example/achievements/fractions".into(),
            name: "Fractions".into(),
            description: "Adds and compares fractions".into(),
            criteria: "Mastery above 0.85".into(),
            kind: Some("Competency".into()),
        },
        alignments: vec![Alignment {
            name: "Ratios".into(),
            url: "https://case.example/a".into(),
            kind: "CFItem",
            framework: "Standards".into(),
            code: Some("6.RP.A".into()),
        }],
        milestone: Some(MilestoneReference {
            genesis_sha256: "ab".repeat(32),
            district: 7,
            handle: "cd".repeat(32),
            number: 2,
            kind: "unit_mastered".into(),
            skill: Some(12),
            height: 99,
            bundle_sha256: [7; 32],
        }),
        status: Some(StatusPlace { base: "https://district.example/status/".into(), index: 41 }),
        valid_from: Moment(1_780_272_000_000),
        valid_until: Some(Moment(1_938_038_400_000)),
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

/// What the issuer publishes.
struct Published {
    lists: [(Purpose, StatusList); 2],
}

impl Default for Published {
    fn default() -> Self {
        Self {
            lists: [Purpose::Revocation, Purpose::Suspension].map(|purpose| (purpose, StatusList::default())),
        }
    }
}

impl Sources for Published {
    fn status_list(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        let base = "https://district.example/status";
        let found = self.lists.iter().find(|(purpose, _)| list_url(base, *purpose) == url);
        found
            .map(|(purpose, list)| {
                let from = Moment(1_780_272_000_000);
                let credential = list.credential(url, "did:web:district.example", *purpose, &from.text());
                with_proof(credential, &key(), from).map(String::into_bytes).map_err(|e| e.to_string())
            })
            .transpose()
    }

    fn controller(&self, id: &str) -> Result<Option<Value>, String> {
        Ok((id == "did:web:district.example").then(|| controller_document(id, &key())))
    }
}

fn judge(text: &[u8], published: &Published, pins: &[Pin]) -> Result<Report, Unreadable> {
    let at = Moment(1_796_000_000_000);
    let options =
        Options { at, pins, require_trusted: true, sources: published, contexts: Contexts::pinned() };
    verify(text, &options)
}

#[test]
fn what_is_issued_holds_in_each_form() -> Result<(), Failure> {
    let credential = badge().credential()?;
    let with_proof = with_proof(credential.clone(), &key(), Moment(1_780_272_000_000))?;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g/></svg>";
    let baked = [baked::put_in(svg, &with_proof)?, baked::put_in(svg, &as_token(&credential, &key()))?];
    for text in [with_proof.into_bytes(), as_token(&credential, &key()).into_bytes()].iter().chain(&baked) {
        let report = judge(text, &Published::default(), &[])?;
        assert_eq!((report.verdict(), report.status), (Verdict::Valid, Status::Good), "{}", report.reason);
        assert_eq!(report.issuer.trust, Some(Trust::Resolved));
    }
    Ok(())
}

#[test]
fn a_set_bit_revokes_what_was_issued() -> Result<(), Failure> {
    let text = with_proof(badge().credential()?, &key(), Moment(1_780_272_000_000))?;
    for (i, status) in [(0, Status::Revoked), (1, Status::Suspended)] {
        let mut published = Published::default();
        published.lists[i].1.set(41, true)?;
        assert_eq!(judge(text.as_bytes(), &published, &[])?.status, status);
        published.lists[i].1.set(41, false)?;
        published.lists[i].1.set(42, true)?;
        assert_eq!(judge(text.as_bytes(), &published, &[])?.status, Status::Good);
    }
    Ok(())
}

#[test]
fn the_milestone_is_named_and_its_bundle_bound() -> Result<(), Failure> {
    let value = Value::Object(badge().credential()?);
    let evidence = value["evidence"][0]["id"].as_str().ok_or("an id")?;
    assert_eq!(evidence, format!("urn:aula:{}:milestone:7:{}:2", "ab".repeat(32), "cd".repeat(32)));
    assert_eq!(
        value["relatedResource"][0]["digestSRI"],
        "sha256-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
    );
    Ok(())
}

#[test]
fn a_badge_that_no_standard_knows_is_not_issued() {
    let mut odd = badge();
    odd.subject = "no URI".into();
    assert!(matches!(odd.credential(), Err(IssueError::Form(_))));
    let mut odd = badge();
    odd.achievement.kind = Some("Medal".into());
    assert!(matches!(odd.credential(), Err(IssueError::Form(_))));
    let mut odd = badge();
    odd.issuer.id.push_str("#key");
    assert!(matches!(odd.credential(), Err(IssueError::IssuerId(_))));
}
