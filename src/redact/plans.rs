//! Plans of fields that no callsite names: those of records that are given as values, made once for each name.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use super::field::{FieldPlan, Of};
use crate::memory;
use crate::record::{EventMeta, Slot};

/// Those of a typed event's fields, each with its place.
pub(super) type EventPlans = Arc<[(Box<str>, FieldPlan)]>;

/// Plans by slot and by name. A clone begins empty: it belongs to another policy.
#[derive(Debug, Default)]
pub(super) struct Plans {
    slots: OnceLock<Box<[FieldPlan]>>,
    /// Those of attributes, labels and hashes: the same name is another field in each.
    names: [RwLock<HashMap<Box<str>, Arc<FieldPlan>>>; 3],
    /// Those of typed events' fields, by the address of the event: as many as the program has such events.
    events: RwLock<HashMap<usize, EventPlans>>,
}

/// How many names are kept; what data brings beyond them is planned each time.
const MOST: usize = 1024;

impl Clone for Plans {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Plans {
    /// The plan for a slot.
    pub(super) fn slot(&self, slot: Slot, of: Of<'_>) -> Option<&FieldPlan> {
        let slots = self.slots.get_or_init(|| {
            Slot::ALL
                .iter()
                .map(|&slot| FieldPlan::for_slot(slot, of))
                .collect()
        });
        slots.get(usize::from(slot.index()))
    }

    /// The plans for the fields of a typed event, made by `make` where they are not there.
    pub(super) fn event(&self, event: &'static EventMeta, make: impl FnOnce() -> EventPlans) -> EventPlans {
        let key = std::ptr::from_ref(event).addr();
        if let Some(plans) = self.events.read().get(&key) {
            return Arc::clone(plans);
        }
        let plans = make();
        self.events.write().insert(key, Arc::clone(&plans));
        plans
    }

    /// The plan for a member of this map, made by `make` where it is not there; `None` where there is no memory for it.
    pub(super) fn member(
        &self,
        map: Slot,
        key: &str,
        make: impl FnOnce() -> FieldPlan,
    ) -> Option<Arc<FieldPlan>> {
        let [attributes, labels, hashes] = &self.names;
        let names = match map {
            Slot::Labels => labels,
            Slot::Hashes => hashes,
            _ => attributes,
        };
        if let Some(plan) = names.read().get(key) {
            return Some(Arc::clone(plan));
        }
        // With what it is made from, and a place among the others.
        if !memory::is_enough(8 * size_of::<FieldPlan>() + 8 * key.len()) {
            return None;
        }
        let plan = Arc::new(make());
        let mut names = names.write();
        if names.len() < MOST && names.try_reserve(1).is_ok() {
            names.insert(key.into(), Arc::clone(&plan));
        }
        Some(plan)
    }
}
