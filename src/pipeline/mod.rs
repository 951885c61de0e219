//! The pipeline: builder, handle, writer thread and sinks. The only place where everything meets.

mod audited;
mod barrier;
mod builder;
mod commands;
mod commit;
#[cfg(feature = "config")]
mod configure;
mod control;
mod effective;
mod emit;
mod handle;
mod inbox;
#[cfg(test)]
mod late_tests;
mod pause;
mod ports;
mod requests;
mod seal;
mod settle;
mod start;
mod ticket;
mod writer;

pub use audited::AuditedExt;
pub use builder::AuditBuilder;
pub use emit::{EmitFuture, Emitter, NoopEmitter, Submitted};
pub use handle::{Audit, Guard, Report};
pub use requests::{Done, Request};
pub use ticket::{Receipt, State};
