//! A block that somebody knows to be real, written `HEIGHT:HASH`.

use aula_ledger::audit::TrustedBlock;
use aula_ledger::types::Height;

/// Reads one.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<TrustedBlock, String> {
    let (height, hash) = text.split_once(':').ok_or("write HEIGHT:HASH")?;
    Ok(TrustedBlock {
        height: Height(height.parse().map_err(|_| format!("{height:?} is not a height"))?),
        hash: hash.parse().map_err(|_| format!("{hash:?} is not a hash of 64 hexadecimal digits"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_and_a_hash_and_nothing_else() {
        let hash = "ab".repeat(32);
        assert_eq!(parse(&format!("7:{hash}")).map(|block| block.height), Ok(Height(7)));
        for wrong in ["7", "7:", &format!(":{hash}"), &format!("7:{hash}0"), &format!("-7:{hash}")] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
