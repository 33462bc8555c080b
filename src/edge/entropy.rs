//! Ids that cannot be guessed.

/// Fifteen random bytes.
pub(super) fn mint() -> [u8; 15] {
    let mut bytes = [0; 15];
    if getrandom::fill(&mut bytes).is_err() {
        // The runtime always has entropy inside a request, and ids are made nowhere else.
        worker::console_error!("no entropy: an id is not random");
    }
    bytes
}
