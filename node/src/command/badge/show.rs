//! `aula badge show`: a badge as a page to print, in English and Spanish, or as a picture that holds it; each with a code for a phone's
//! camera that opens the verify page of a node.
//!
//! Nothing is judged here, and the page says so: `aula badge verify` judges.

use std::path::PathBuf;

use aula_foreign::address;
use aula_report::credentials::jwt::Token;
use aula_report::credentials::{baked, json};
use clap::Args;
use serde_json::Value;

use crate::command::{Advise, Failure, Outcome, absolute};

mod page;
mod picture;

/// Arguments of `aula badge show`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula badge show badge.json --verify-at https://node.district.example -o badge.html\n  aula badge show badge.json \
                  --verify-at https://node.district.example -o badge.svg      a picture that holds the badge: aula badge verify badge.svg\n\nThe \
                  ending of the file says what it becomes: .html, .svg or .png. Exit codes: 0 written, 2 could not."
)]
pub struct ShowArgs {
    /// The badge: JSON, a token, or a PNG or SVG that holds one
    pub file: PathBuf,
    /// The address of a node whose verify page the code opens
    #[arg(long, value_name = "URL")]
    pub verify_at: String,
    /// Where to write it: .html, .svg or .png
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// A badge as it is shown.
struct Shown<'a> {
    credential: &'a Value,
    /// What the code opens.
    link: String,
}

/// What a person reads of it.
struct Words<'a> {
    name: &'a str,
    description: Option<&'a str>,
    criteria: Option<&'a str>,
    issuer: &'a str,
    from: &'a str,
    until: Option<&'a str>,
    milestone: Option<&'a str>,
}

impl Shown<'_> {
    fn words(&self) -> Words<'_> {
        let text = |pointer: &str| self.credential.pointer(pointer).and_then(Value::as_str);
        let issuer = text("/issuer/name").or_else(|| json::id_of(&self.credential["issuer"])).unwrap_or("–");
        let achievement = "/credentialSubject/achievement";
        let day = |pointer: &str| text(pointer).and_then(|moment| moment.split('T').next());
        Words {
            name: text(&format!("{achievement}/name")).or_else(|| text("/name")).unwrap_or("–"),
            description: text(&format!("{achievement}/description")),
            criteria: text(&format!("{achievement}/criteria/narrative")),
            issuer,
            from: day("/validFrom").unwrap_or("–"),
            until: day("/validUntil"),
            milestone: json::many(self.credential.get("evidence")).iter().find_map(json::id_of),
        }
    }
}

/// Runs `aula badge show`.
///
/// # Errors
/// When the file is not a credential, the address not one of a node's, the ending unknown, or the file cannot be written.
pub fn run(args: &ShowArgs) -> Result<Outcome, Failure> {
    let out = absolute(&args.out)?;
    let origin = args.verify_at.trim_end_matches('/');
    if address::origin(origin).is_none() {
        let message = format!("{origin} is not an https address");
        return Err(Failure::new(
            "bad_address",
            message,
            "give the address of a node's pages, such as https://node.district.example",
        ));
    }
    let link = format!("{origin}/verify#credential");
    let bytes = super::read(&args.file)?;
    let refused = || format!("{} is not a credential", args.file.display());
    let hint = "give what `aula badge issue` wrote";
    let text = baked::take_out(&bytes).advise(refused(), hint)?.unwrap_or(bytes);
    let text = String::from_utf8(text).advise(refused(), hint)?.trim().to_owned();
    let credential = match text.starts_with('{') {
        true => json::parse(text.as_bytes()).advise(refused(), hint)?,
        false => {
            Token::parse(text.as_bytes()).and_then(|token| token.credential()).advise(refused(), hint)?
        }
    };
    let shown = Shown { credential: &credential, link };
    let long = || Failure::new("bad_address", "the address fits into no code", "give a shorter one");
    let made = match out.extension().and_then(|ending| ending.to_str()) {
        Some("html") => page::page(&shown).ok_or_else(long)?.into_bytes(),
        Some("svg") => held(picture::svg(&shown).ok_or_else(long)?.as_bytes(), &text)?,
        Some("png") => held(&picture::png(&shown.link).ok_or_else(long)?, &text)?,
        _ => {
            let message = format!("{} ends neither in .html nor in .svg nor in .png", out.display());
            return Err(Failure::new("unknown_ending", message, "choose one of these endings"));
        }
    };
    std::fs::write(&out, &made).advise(format!("cannot write {}", out.display()), "choose another -o")?;
    let words = format!("{}\nits code opens {}", out.display(), shown.link);
    Ok(Outcome::yes(serde_json::json!({ "file": out, "bytes": made.len(), "opens": shown.link }), words))
}

/// A picture with the badge in it.
fn held(picture: &[u8], credential: &str) -> Result<Vec<u8>, Failure> {
    baked::put_in(picture, credential).advise("the badge cannot be put into its picture", "report it")
}

#[cfg(test)]
mod tests;
