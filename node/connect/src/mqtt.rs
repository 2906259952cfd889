//! MQTT: a listener that acknowledges only what is on disk, and a subscriber to a district's own broker.
//!
//! | module | is |
//! |---|---|
//! | [`body`] | the fields of packets, read from any bytes |
//! | [`packet`] | packets of MQTT 3.1.1 and 5.0 as a listener gets them |
//! | [`answer`] | packets that a listener sends |
//! | [`topics`] | filters, and what the messages of a topic are |
//! | [`served`] | a feed that is served: who may send, who is connected |
//! | [`listener`] | sockets, how many at once |
//! | [`session`] | one connection |
//! | [`subscriber`] | a client of a district's broker |

pub mod answer;
pub mod body;
pub mod listener;
pub mod packet;
pub mod served;
pub mod session;
pub mod subscriber;
pub mod topics;

#[cfg(test)]
mod peer;
#[cfg(test)]
mod peer_tls;
#[cfg(test)]
mod tests;
