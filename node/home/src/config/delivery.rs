//! `[[delivery]]`: where scheduled reports go beside the outbox.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A place that reports go to. Its kind refuses names that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What `deliver` of a report calls it, 1 to 40 letters, digits and dashes.
    pub name: String,
    /// Which way they go; `kind` names it.
    #[serde(flatten)]
    pub by: DeliveryBy,
}

/// How reports go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DeliveryBy {
    /// Uploaded, encrypted.
    Sftp(Sftp),
    /// A note that one is ready.
    Mail(Mail),
    /// The same note for a program.
    Webhook(Webhook),
    /// Put into a bucket, and deleted there when its years are over.
    Bucket(BucketPlace),
}

/// `kind = "bucket"`: a bucket that speaks S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketPlace {
    /// The service's address: https, or this machine.
    pub endpoint: String,
    /// Its name for where it is.
    #[serde(default = "region")]
    pub region: String,
    /// The bucket, without object lock.
    pub bucket: String,
    /// Before every key; ends with a slash.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// The access key's id.
    pub key_id: String,
    /// A file of the operator's alone with the access key's secret.
    pub secret_file: PathBuf,
    /// A certificate authority to trust beside the usual ones, PEM.
    pub ca: Option<PathBuf>,
}

fn region() -> String {
    "us-east-1".into()
}

fn prefix() -> String {
    "aula/".into()
}

/// `kind = "sftp"`: a folder of a server whose key is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sftp {
    /// `HOST:PORT`.
    pub address: String,
    /// The account there.
    pub user: String,
    /// The private key's file, of OpenSSH, without a passphrase.
    pub key: PathBuf,
    /// The server's key as a line of OpenSSH.
    pub host_key: String,
    /// The folder there; the account's own when left out.
    #[serde(default)]
    pub folder: String,
    /// Who can open it, as age's recipients.
    pub encrypt_to: Vec<String>,
}

/// `kind = "mail"`: a note that a report is ready, by SMTP with STARTTLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server's name; without one the note is a file of the outbox.
    pub server: Option<String>,
    /// 587 when left out, for STARTTLS.
    #[serde(default = "submission")]
    pub port: u16,
    /// The address that notes come from.
    pub from: String,
    /// The addresses that notes go to.
    pub to: Vec<String>,
    /// The account, where the server wants one.
    pub user: Option<String>,
    /// A file of the operator's alone with the account's password.
    pub password_file: Option<PathBuf>,
    /// A certificate authority to trust beside this machine's, PEM.
    pub ca: Option<PathBuf>,
}

/// `kind = "webhook"`: the same note for a program, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where the note is posted: https, and no private address.
    pub url: String,
    /// The file with the secret that signs it, 32 bytes at least.
    pub secret_file: PathBuf,
    /// A certificate authority to trust beside the usual ones, PEM.
    pub ca: Option<PathBuf>,
}

const fn submission() -> u16 {
    587
}

impl Delivery {
    /// Checks what its types do not say.
    pub(super) fn check(&self, all: &[Self]) -> Result<(), ConfigError> {
        let refused = |reason| Err(ConfigError::Delivery { name: self.name.clone(), reason });
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(plain) {
            return refused("name must be 1 to 40 letters, digits and dashes");
        }
        if all.iter().filter(|other| other.name == self.name).count() > 1 {
            return refused("another [[delivery]] has this name");
        }
        match &self.by {
            DeliveryBy::Sftp(sftp) if sftp.encrypt_to.is_empty() => {
                refused("encrypt_to names nobody who can open it")
            }
            DeliveryBy::Mail(mail) if mail.to.is_empty() => refused("to names nobody"),
            DeliveryBy::Mail(mail) if mail.user.is_some() != mail.password_file.is_some() => {
                refused("user and password_file go together")
            }
            DeliveryBy::Bucket(to)
                if to.prefix.len() < 2 || !to.prefix.ends_with('/') || to.prefix.starts_with('/') =>
            {
                refused("prefix must be a name that ends with a slash")
            }
            DeliveryBy::Webhook(hook) if !hook.url.starts_with("https://") => {
                refused("url must begin with https://")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, refuses};

    const MAIL: &str = "[[report]]\nname = 'nightly'\nkind = 'district'\ndeliver = ['board']\n[[delivery]]\nname = 'board'\n\
                        kind = 'mail'\nfrom = 'a@example.org'\nto = ['b@example.org']\n";

    #[test]
    fn deliveries_are_named_by_reports() -> Result<(), toml::de::Error> {
        let config: Config = toml::from_str(MAIL)?;
        assert!(config.check().is_ok());
        let lost: Config = toml::from_str(&MAIL.replace("['board']", "['bord']"))?;
        assert!(lost.check().is_err_and(|error| error.to_string().contains("deliver")));
        for (from, to) in [
            ("to = ['b@example.org']", "to = []"),
            ("name = 'board'\nkind", "name = '../up'\nkind"),
            ("kind = 'mail'", "kind = 'post'"),
            ("to = [", "tu = 1\nto = ["),
            ("to = [", "user = 'me'\nto = ["),
        ] {
            assert!(refuses(&MAIL.replace(from, to)), "{to}");
        }
        let hook =
            "[[delivery]]\nname = 'x'\nkind = 'webhook'\nsecret_file = '/s'\nurl = 'http://example.org'\n";
        assert!(toml::from_str::<Config>(hook)?.check().is_err());
        let bucket = "[[delivery]]\nname = 'x'\nkind = 'bucket'\nendpoint = 'https://s3.example.org'\nbucket = 'reports'\nkey_id = 'k'\nsecret_file = '/s'\n";
        assert!(toml::from_str::<Config>(bucket)?.check().is_ok());
        for wrong in ["prefix = ''", "prefix = 'aula'", "prefix = '/'", "prefx = 'a/'"] {
            assert!(refuses(&format!("{bucket}{wrong}\n")), "{wrong}");
        }
        Ok(())
    }
}
