//! The core on a virtual clock: no sleeps, no sockets.
