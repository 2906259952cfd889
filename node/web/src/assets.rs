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

    #[test]
    fn the_verifier_is_the_committed_one() {
        let stated = include_str!("../../verifier/aula_verifier.wasm.sha256");
        assert_eq!(stated.split_whitespace().next(), Some(VERIFIER_SHA256.as_str()));
    }
}
