//! Where a district's outputs go: encrypted, by SFTP, to a bucket, by mail, and how they are kept and deleted.
