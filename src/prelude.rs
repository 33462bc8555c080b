//! The imports of an application that uses handlers: `use signalbox::prelude::*;`

pub use serde::{Deserialize, Serialize};

pub use crate::handlers::{
    Ack, All, Answer, Auth, Call, Data, Extract, Io, Raw, Reason, Refusal, Socket,
};
pub use crate::socket::{Args, Json, SocketId};
