//! Files encrypted to recipients with age (age-encryption.org/v1), X25519 recipients `age1…` alone.

use std::io::{Read, Write};
use std::str::FromStr;

use age::x25519::Recipient;

use crate::DeliveryError;

/// Who can open what is sealed.
#[derive(Debug, Clone)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// From their texts, at least one.
    ///
    /// # Errors
    /// A text that is no recipient, and an empty list.
    pub fn new(texts: &[String]) -> Result<Self, DeliveryError> {
        let one = |text: &String| {
            let read = Recipient::from_str(text.trim());
            read.map_err(|why| DeliveryError::Setting(format!("{text:?} is not an age recipient: {why}")))
        };
        let all = texts.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        match all.is_empty() {
            true => Err(DeliveryError::Setting("nobody is named who can open it".into())),
            false => Ok(Self(all)),
        }
    }

    /// Encrypts what is read, piece by piece. The same bytes give others each time, since the file's key is drawn anew.
    ///
    /// # Errors
    /// [`DeliveryError::Seal`], also when something cannot be read or written.
    pub fn seal(&self, from: &mut impl Read, to: &mut impl Write) -> Result<(), DeliveryError> {
        let failed = |why: &dyn std::fmt::Display| DeliveryError::Seal(why.to_string());
        let recipients = self.0.iter().map(|one| one as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(|e| failed(&e))?;
        let mut writer = encryptor.wrap_output(to).map_err(|e| failed(&e))?;
        std::io::copy(from, &mut writer).map_err(|e| failed(&e))?;
        writer.finish().map_err(|e| failed(&e))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_opens_it_and_nobody_else() -> Result<(), Box<dyn std::error::Error>> {
        let keys: Vec<_> = (0..3).map(|_| age::x25519::Identity::generate()).collect();
        let texts: Vec<String> = keys[..2].iter().map(|key| key.to_public().to_string()).collect();
        let text = vec![7u8; 200_000];
        let mut sealed = Vec::new();
        Recipients::new(&texts)?.seal(&mut &text[..], &mut sealed)?;
        assert!(sealed.starts_with(b"age-encryption.org/v1"));
        assert!(!sealed.windows(32).any(|window| window == &text[..32]));
        for key in &keys[..2] {
            assert_eq!(age::decrypt(key, &sealed)?, text);
        }
        assert!(age::decrypt(&keys[2], &sealed).is_err());
        let mut cut = sealed;
        cut.truncate(100_000);
        assert!(age::decrypt(&keys[0], &cut).is_err(), "a file that was cut does not open");
        Ok(())
    }

    #[test]
    fn what_is_no_recipient_is_named() {
        let refused = Recipients::new(&["age1nobody".into()]).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|told| told.contains("age1nobody")));
        assert!(Recipients::new(&[]).is_err());
    }
}
