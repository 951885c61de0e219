//! The pipeline: builder, handle, writer thread and sinks. The only place where everything meets.

mod audited;
mod barrier;
mod builder;
mod clock_watch;
mod commands;
mod commit;
#[cfg(feature = "config")]
mod configure;
mod control;
mod effective;
mod emit;
mod failure;
mod follower;
#[cfg(test)]
mod follower_tests;
mod follower_thread;
mod hand;
mod handle;
mod inbox;
#[cfg(test)]
mod late_tests;
mod losses;
mod pause;
mod pending;
#[cfg(test)]
mod pending_tests;
mod port_state;
mod ports;
mod prepare;
mod refusals;
mod requests;
mod retention;
mod routes;
mod seal;
mod settle;
mod shared_sink;
#[cfg(test)]
mod space_tests;
mod space_watch;
mod start;
mod stream;
mod streams;
mod streams_setup;
#[cfg(test)]
mod streams_tests;
mod ticket;
mod writer;

pub use audited::AuditedExt;
pub use builder::AuditBuilder;
pub use emit::{EmitFuture, Emitter, NoopEmitter, Submitted};
pub use failure::{Failure, FailureKind};
pub use handle::{Audit, Guard, Report};
pub use pending::{BeginFuture, Pending};
pub use requests::{Done, Request};
pub use streams_setup::AuditStream;
pub use ticket::{Receipt, State};
