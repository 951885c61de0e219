//! Which stream a record goes to, decided on the caller's thread from its redacted frame.

use std::sync::Arc;

use super::inbox::Inbox;
use crate::capture::{Loss, Outlet, Route};
use crate::config::Selection;
use crate::format::Matter;
use crate::redact::Redacting;

/// The rules in their order, each with the number of its stream.
#[derive(Debug, Default)]
pub(super) struct Routes {
    rules: Vec<(Selection, usize)>,
}

impl Routes {
    pub(super) fn new(rules: Vec<(Selection, usize)>) -> Self {
        Self { rules }
    }

    /// The number of the stream that a finished frame goes to: that of the first rule that fits, else 0, the main one. It
    /// allocates nothing once a thread has asked.
    pub(super) fn stream_of(&self, frame: &[u8]) -> usize {
        if self.rules.is_empty() {
            return 0;
        }
        Matter::with(frame, |matter| {
            let found = self.rules.iter().find(|(selection, _)| fits(selection, matter));
            found.map_or(0, |(_, stream)| *stream)
        })
    }
}

fn fits(selection: &Selection, matter: &Matter<'_>) -> bool {
    match selection {
        Selection::Event(glob) => glob.matches(matter.event()),
        Selection::Category(glob) => {
            let category = matter.category();
            !category.is_empty() && glob.matches(category)
        }
        Selection::Pii => matter.has_pii(),
        Selection::PiiCategory(glob) => matter.any_pii_category(|category| glob.matches(category)),
    }
}

/// Where capture sends frames, if there are several streams.
#[derive(Debug)]
pub(super) struct Router {
    main: Arc<Inbox>,
    beside: Vec<Arc<Inbox>>,
    routes: Arc<Routes>,
}

impl Router {
    pub(super) fn new(main: Arc<Inbox>, beside: Vec<Arc<Inbox>>, routes: Arc<Routes>) -> Self {
        Self { main, beside, routes }
    }
}

impl Outlet for Router {
    fn buffer(&self) -> Vec<u8> {
        self.main.buffer()
    }

    fn recycle(&self, buffer: Vec<u8>) {
        self.main.recycle(buffer);
    }

    fn send(&self, frame: &mut Redacting<'_>, route: Route<'_>) {
        // The capacity is that of the finished frame: what follows from its values, personal data above all, stands in it.
        let _ = frame.capacity();
        let number = self.routes.stream_of(frame.written());
        let beside = number.checked_sub(1).and_then(|at| self.beside.get(at));
        beside.unwrap_or(&self.main).send(frame, route);
    }

    /// What never became a frame went to no stream: the main one counts it.
    fn lost(&self, cause: Loss, category: &str) {
        self.main.lost(cause, category);
    }

    fn say(&self, sentence: &str) {
        self.main.say(sentence);
    }
}
