//! Sessions: their beginning, what is said in them by its length alone, and their end.

use super::define::events;
use super::{Role, Text};

events! {
    /// A session began.
    #[audit(event = "session.create", category = "session", action = "create", level = "info", outcome = "success")]
    SessionCreate<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
        /// The user interface in use.
        #[audit(slot = "actor.frontend", internal)]
        frontend: Text<'a>,
        /// Who began it.
        #[audit(slot = "actor.id", internal)]
        user_id: Text<'a>,
    } on "session" session_id;

    /// Something was said. What it was is not in the record.
    #[audit(event = "session.message", category = "session", action = "message", level = "info", outcome = "success")]
    SessionMessage<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
        /// Who spoke.
        #[audit(detail = "session.role", public)]
        role: Role,
        /// How much was said, in the unit of the application.
        #[audit(detail = "session.content_length", public)]
        content_length: u64,
    } on "session" session_id;

    /// A session was removed.
    #[audit(event = "session.delete", category = "session", action = "delete", level = "info", outcome = "success")]
    SessionDelete<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
        /// How many messages it had.
        #[audit(detail = "session.message_count", public)]
        message_count: u64,
    } on "session" session_id;

    /// A session went from one place or agent to another.
    #[audit(event = "session.transfer", category = "session", action = "transfer", level = "info", outcome = "success")]
    SessionTransfer<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
    } on "session" session_id may {
        /// Where it was.
        #[audit(detail = "session.from", internal)]
        from: Text<'a>,
        /// Where it is.
        #[audit(detail = "session.to", internal)]
        to: Text<'a>,
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    };

    /// The messages of a session were made fewer.
    #[audit(event = "session.compact", category = "session", action = "compact", level = "info", outcome = "success")]
    SessionCompact<'a> {
        /// The session.
        #[audit(slot = "session_id", internal)]
        session_id: Text<'a>,
        /// How many messages there were.
        #[audit(detail = "session.messages_before", public)]
        messages_before: u64,
        /// How many are left.
        #[audit(detail = "session.messages_after", public)]
        messages_after: u64,
        /// How many tokens they took.
        #[audit(detail = "session.tokens_before", public)]
        tokens_before: u64,
        /// How many they take now.
        #[audit(detail = "session.tokens_after", public)]
        tokens_after: u64,
    } on "session" session_id;

    /// A conversation was continued in another session.
    #[audit(event = "session.switch", category = "session", action = "switch", level = "info", outcome = "success")]
    SessionSwitch<'a> {
        /// The session that goes on.
        #[audit(detail = "session.to", internal)]
        to: Text<'a>,
    } on "session" to may {
        /// The session that it was.
        #[audit(detail = "session.from", internal)]
        from: Text<'a>,
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
    } and agent;
}
