//! Who may open a session: pages of which origins, and which clients count as one where handshakes are
//! limited. And who is an operator.

mod api_token;
mod network;
mod origins;

pub use api_token::ApiToken;
pub use network::network;
pub use origins::Origins;
