//! What is done to a value that may not stay as it is.

use super::field::FieldPlan;
use super::policy::{Action, Decision};
use super::redacting::Redacting;
use super::{ip, text};
use crate::record::Slot;
use crate::record::frame::{Put, mark, tag};

impl Redacting<'_> {
    /// Does what the policy says to a value whose text is `text`.
    #[cold]
    pub(super) fn act(&mut self, plan: &FieldPlan, fits: bool, text: &[u8]) {
        let start = self.ink.len();
        self.head(plan, fits);
        if self.replacement(plan, text) {
            self.remark(plan);
        } else {
            self.ink.wipe_back(start);
            self.remark(plan);
        }
        self.done(plan, fits, start);
    }

    /// As [`Self::act`], for a text that stands in the frame already and must not stay there.
    #[cold]
    pub(super) fn replace_text(&mut self, plan: &FieldPlan, fits: bool, start: usize, text_at: usize) {
        let text = zeroize::Zeroizing::new(self.ink.written().get(text_at..).unwrap_or_default().to_vec());
        self.ink.wipe_back(start);
        self.act(plan, fits, &text);
    }

    /// Writes what stands in the place of `text`; `false` where nothing does.
    fn replacement(&mut self, plan: &FieldPlan, text: &[u8]) -> bool {
        let Decision { action, rule } = plan.decision;
        match action {
            Action::Drop => return false,
            Action::TruncateIp if self.truncate_ip(plan, text) => return true,
            Action::Hmac => {
                let at = self.ink.len() + 5;
                text::open(&mut self.ink, tag::STR);
                if self.policy.keys().pseudonym(rule.class(), text, &mut self.ink) {
                    text::close(&mut self.ink, at);
                    return true;
                }
                self.ink.wipe_back(at - 5);
            }
            _ => {}
        }
        Put::str(&mut self.ink, rule.marker());
        true
    }

    fn truncate_ip(&mut self, plan: &FieldPlan, text: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(text) else {
            return false;
        };
        let text = text.trim_matches(['"', ' ']);
        if text == "system" {
            Put::str(&mut self.ink, "system");
            return true;
        }
        let Some((address, bits)) = ip::truncated(text) else {
            return false;
        };
        let mut small = text::Small::default();
        let is_slot = plan.slot == Some(Slot::ActorIp);
        let suffix = if is_slot {
            format_args!("")
        } else {
            format_args!("/{bits}")
        };
        let _ = std::fmt::Write::write_fmt(&mut small, format_args!("{address}{suffix}"));
        Put::str(
            &mut self.ink,
            std::str::from_utf8(small.bytes()).unwrap_or_default(),
        );
        if is_slot {
            self.ink.put([Slot::ActorIpPrefixLen.index()], &[]);
            Put::u64(&mut self.ink, u64::from(bits));
        }
        true
    }

    pub(super) fn remark(&mut self, plan: &FieldPlan) {
        self.remark_of(&plan.name, plan.decision);
    }

    /// Says in the record, and counts, what was done to a field.
    pub(super) fn remark_of(&mut self, name: &str, decision: Decision) {
        self.tally.redacted += 1;
        let Decision { action, rule } = decision;
        self.ink.put([mark::REMARK, rule as u8, action as u8], &[]);
        Put::key(&mut self.ink, name);
    }
}
