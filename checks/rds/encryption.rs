//! Whether storage is encrypted, whoever holds the key.

/// `StorageEncrypted` is `false` under a key that AWS owns, though the storage is encrypted; then
/// `StorageEncryptionType` is `sse-rds` (API reference, `DBInstance`).
pub(super) fn is_encrypted(flag: bool, encryption_type: Option<&str>) -> bool {
    flag || matches!(encryption_type, Some("sse-rds" | "sse-kms"))
}
