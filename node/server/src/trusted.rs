//! A block that somebody knows to be real, written `HEIGHT:HASH`.

use aula_home::Failure;
use aula_home::config::Config;
use aula_ledger::audit::TrustedBlock;
use aula_ledger::types::Height;

/// Reads one. At height 0 it is read too: it names the genesis, which shows nothing of what came after.
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

/// The one that the settings name, `[p2p] trusted`.
///
/// # Errors
/// When it is not written as one.
pub fn of_config(config: &Config) -> Result<Option<TrustedBlock>, Failure> {
    let read = config.p2p.trusted.as_deref().map(parse).transpose();
    read.map_err(|why| {
        Failure::new("bad_trusted", format!("p2p.trusted: {why}"), "correct it in config.toml")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_and_a_hash_and_nothing_else() {
        let hash = "ab".repeat(32);
        for height in [7, 0] {
            let read = parse(&format!("{height}:{hash}")).map(|block| block.height);
            assert_eq!(read, Ok(Height(height)));
        }
        for wrong in ["7", "7:", &format!(":{hash}"), &format!("7:{hash}0"), &format!("-7:{hash}")] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
