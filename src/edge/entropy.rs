//! Ids that cannot be guessed.

/// Whether random bytes are available. The runtime refuses them for a whole event or not at all, so
/// one check at the start of a request is enough.
pub(super) fn is_available() -> bool {
    getrandom::fill(&mut [0]).is_ok()
}

/// Fifteen random bytes.
pub(super) fn mint() -> [u8; 15] {
    let mut bytes = [0; 15];
    if getrandom::fill(&mut bytes).is_err() {
        // Requests are refused before this can happen. The loss of an object's memory does less
        // harm than an id that can be guessed.
        std::process::abort();
    }
    bytes
}
