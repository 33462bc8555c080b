//! Who may open a session, and who is an operator: the allowed origins, the networks by which rate
//! limits count clients, and the operators' token.

mod api_token;
mod network;
mod origins;

pub use api_token::ApiToken;
pub use network::network;
pub use origins::Origins;
