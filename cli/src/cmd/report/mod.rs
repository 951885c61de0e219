//! `report`.
use crate::asking::Report;
use crate::out::Failure;
pub(crate) fn run(_report: &Report) -> Result<u8, Failure> {
    Ok(0)
}
