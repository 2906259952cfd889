//! Style, scripts and the verifier, part of the program. Addresses carry the version, so that they may be kept for good.

use std::sync::LazyLock;

use aula_store::sha256;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

use crate::api_error::ApiError;

#[derive(Embed)]
#[folder = "src/assets"]
struct Assets;

/// The verifier that pages run, as `node/verifier` has it committed.
const VERIFIER: &[u8] = include_bytes!("../../verifier/aula_verifier.wasm");
/// What loads it.
const LOADER: &[u8] = include_bytes!("../../verifier/verifier.mjs");

/// SHA-256 of the verifier, to be compared with the published one.
pub static VERIFIER_SHA256: LazyLock<String> = LazyLock::new(|| sha256(VERIFIER).to_string());

/// First digits of a hash over all assets: changes when one of them does.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut all = [VERIFIER, LOADER].concat();
    for name in Assets::iter() {
        all.extend(Assets::get(&name).map(|file| file.data.into_owned()).unwrap_or_default());
    }
    sha256(&all).to_string().chars().take(12).collect()
});

/// The address of an asset.
pub fn address(name: &str) -> String {
    format!("/assets/{name}?v={}", *VERSION)
}

/// Serves one.
///
/// # Errors
/// 404 for a name that no asset has.
pub async fn asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    let bytes = match name.as_str() {
        "aula_verifier.wasm" => VERIFIER.to_vec(),
        "verifier.mjs" => LOADER.to_vec(),
        other => Assets::get(other)
            .map(|file| file.data.into_owned())
            .ok_or_else(|| ApiError::not_found("no such asset", "start at the page /"))?,
    };
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser has by itself.
    const BROWSER: [&str; 7] =
        ["DOMParser", "Date", "Error", "Node", "URLSearchParams", "Uint8Array", "WebSocket"];

    /// The classes that a script makes one of, or asks whether something is one.
    fn classes(script: &str) -> impl Iterator<Item = &str> {
        let word = |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        ["instanceof ", "new "]
            .into_iter()
            .flat_map(move |before| script.split(before).skip(1))
            .map(move |after| &after[..word(after)])
            .filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
    }

    #[test]
    fn scripts_use_no_class_that_neither_they_nor_a_browser_have() {
        let mut scripts = 0;
        for name in Assets::iter().filter(|name| name.ends_with("js")) {
            let bytes = Assets::get(&name).map(|file| file.data.into_owned()).unwrap_or_default();
            let script = String::from_utf8(bytes).unwrap_or_default();
            let is_known =
                |class: &str| BROWSER.contains(&class) || script.contains(&format!("class {class} "));
            let unknown: Vec<&str> = classes(&script).filter(|class| !is_known(class)).collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?}");
            scripts += 1;
        }
        assert!(scripts > 3);
        let found: Vec<&str> = classes("a instanceof Later ? new Date(1) : new ones").collect();
        assert_eq!(found, ["Later", "Date"]);
    }

    #[test]
    fn the_verifier_is_the_committed_one() {
        let stated = include_str!("../../verifier/aula_verifier.wasm.sha256");
        assert_eq!(stated.split_whitespace().next(), Some(VERIFIER_SHA256.as_str()));
    }
}
