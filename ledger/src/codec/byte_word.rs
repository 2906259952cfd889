//! Words of the ledger that are one byte: the number of a case, which is never used for another; in JSON its name.

/// Defines such a word as an enum with what every one can do: it is copied, ordered by its number, and read again as it was written.
macro_rules! byte_word {
    ($(#[$meta:meta])* pub enum $name:ident { $($cases:tt)* }) => {
        #[derive(
            Debug,
            Clone,
            Copy,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            ::borsh::BorshSerialize,
            ::borsh::BorshDeserialize,
            ::serde::Serialize,
            ::serde::Deserialize,
        )]
        $(#[$meta])*
        #[borsh(use_discriminant = true)]
        #[repr(u8)]
        pub enum $name { $($cases)* }
    };
}
pub(crate) use byte_word;
