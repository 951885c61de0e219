//! Numbers and truth values through a policy.

use super::field::{FieldPlan, fast, sees};
use super::ink::Ink;
use super::judge::Look;
use super::redacting::Redacting;
use super::{sift, text};
use crate::record::frame::{Put, tag};
use crate::record::{Kind, Naming};

impl Redacting<'_> {
    pub(crate) fn u64(&mut self, plan: &FieldPlan, number: u64) {
        if self.keep(plan, fast::U64, tag::U64, number.to_le_bytes(), &[]) {
            return;
        }
        self.any_u64(plan, number);
    }

    fn any_u64(&mut self, plan: &FieldPlan, number: u64) {
        match plan.naming {
            Naming::Millis if !plan.keeps_number() => {
                self.scalar(plan, true, number, |buf| Put::u64(buf, number))
            }
            Naming::Millis => self.put(plan, true, |buf| Put::u64(buf, number.saturating_mul(1_000_000))),
            Naming::Plain => {
                let fits = plan
                    .kind
                    .is_none_or(|kind| matches!(kind, Kind::Id | Kind::Uint | Kind::Any));
                self.scalar(plan, fits, number, |buf| Put::u64(buf, number));
            }
            Naming::Start | Naming::Traceparent => self.wrong(plan, |buf| Put::u64(buf, number)),
        }
    }

    pub(crate) fn i64(&mut self, plan: &FieldPlan, number: i64) {
        if self.keep(plan, fast::I64, tag::I64, number.to_le_bytes(), &[]) {
            return;
        }
        self.any_i64(plan, number);
    }

    fn any_i64(&mut self, plan: &FieldPlan, number: i64) {
        match (u64::try_from(number), plan.kind, plan.naming) {
            (Ok(number), Some(Kind::Uint), _) | (Ok(number), _, Naming::Millis) => self.u64(plan, number),
            _ => self.scalar(plan, plan.takes_ids(), number, |buf| Put::i64(buf, number)),
        }
    }

    pub(crate) fn i128(&mut self, plan: &FieldPlan, number: i128) {
        match u64::try_from(number) {
            Ok(number) => self.u64(plan, number),
            Err(_) => self.scalar(plan, plan.takes_ids(), number, |buf| Put::i128(buf, number)),
        }
    }

    pub(crate) fn u128(&mut self, plan: &FieldPlan, number: u128) {
        match u64::try_from(number) {
            Ok(number) => self.u64(plan, number),
            Err(_) => self.scalar(plan, plan.takes_ids(), number, |buf| Put::u128(buf, number)),
        }
    }

    pub(crate) fn f64(&mut self, plan: &FieldPlan, number: f64) {
        if self.keep(plan, fast::F64, tag::F64, number.to_bits().to_le_bytes(), &[]) {
            return;
        }
        self.any_f64(plan, number);
    }

    fn any_f64(&mut self, plan: &FieldPlan, number: f64) {
        // The largest duration that a slot takes, in milliseconds: u64::MAX nanoseconds, rounded down.
        let is_duration = plan.naming == Naming::Millis && (0.0..=1.8e13).contains(&number);
        if is_duration && plan.keeps_number() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range was checked"
            )]
            let nanos = (number * 1e6).round() as u64;
            return self.put(plan, true, |buf| Put::u64(buf, nanos));
        }
        let fits = plan.naming == Naming::Plain && plan.kind.is_none_or(|kind| kind == Kind::Any);
        self.scalar(plan, fits, number, |buf| Put::f64(buf, number));
    }

    pub(crate) fn bool(&mut self, plan: &FieldPlan, truth: bool) {
        let tag = if truth { tag::TRUE } else { tag::FALSE };
        if self.keep(plan, fast::BOOL, tag, [], &[]) {
            return;
        }
        self.any_bool(plan, truth);
    }

    fn any_bool(&mut self, plan: &FieldPlan, truth: bool) {
        if plan.naming == Naming::Start {
            self.start = truth;
            return;
        }
        if plan.sees & sees::PII != 0 && !truth {
            self.seen |= sees::DECLARED_NONE;
        }
        let fits = plan.naming == Naming::Plain
            && plan
                .kind
                .is_none_or(|kind| matches!(kind, Kind::Bool | Kind::Any));
        self.scalar(plan, fits, truth, |buf| Put::bool(buf, truth));
    }

    #[inline]
    fn scalar(
        &mut self,
        plan: &FieldPlan,
        fits: bool,
        shown: impl std::fmt::Display,
        write: impl FnOnce(&mut Ink),
    ) {
        let decision = plan.judged.number;
        if plan.keeps_number() && decision.look < Look::All && plan.judged.trial.is_none() {
            return self.put(plan, fits, write);
        }
        let mut text = text::Small::default();
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{shown}"));
        self.rehearse(plan, |trial| trial.number);
        if !plan.keeps_number() {
            self.act(plan, decision, fits, text.bytes());
            return self.settle();
        }
        let shown = std::str::from_utf8(text.bytes()).unwrap_or_default();
        match sift::sift(self.policy, &plan.judged, decision.look, shown) {
            Some(sifted) => self.put_sifted(plan, fits, &sifted, shown.len()),
            None => self.put(plan, fits, write),
        }
        self.settle();
    }
}
