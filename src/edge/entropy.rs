//! Ids that cannot be guessed.

/// Whether there is entropy. The runtime refuses it to whole events, if at all: what is there when a
/// request arrives is there for its answer.
pub(super) fn is_available() -> bool {
    getrandom::fill(&mut [0]).is_ok()
}

/// Fifteen random bytes.
pub(super) fn mint() -> [u8; 15] {
    let mut bytes = [0; 15];
    if getrandom::fill(&mut bytes).is_err() {
        // Requests are refused before it comes to this. An object that loses its memory does less
        // harm than an id that can be guessed.
        std::process::abort();
    }
    bytes
}
