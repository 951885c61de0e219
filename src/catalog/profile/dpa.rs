//! The shape `dpa`.

use super::giving::{Exported, Giving};
use super::shape::Shape;
use super::taking::{Fault, Taking};
use crate::record::Record;

pub(super) fn import(line: &[u8]) -> Result<Record, Fault> {
    let taking = Taking::open(line)?;
    Err(taking.fault("", "this shape is not read yet"))
}

pub(super) fn export(record: &Record) -> Exported {
    Giving::new(
        super::Profile::ALL
            .iter()
            .copied()
            .next()
            .unwrap_or(super::Profile::Flynn),
        record,
    )
    .finish(Shape::default())
}
