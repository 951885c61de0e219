//! Mail that an agent reads.

use super::define::events;
use super::{MailMode, Text};

events! {
    /// Mail was looked for.
    #[audit(event = "gmail.poll", category = "gmail", action = "poll", level = "debug", outcome = "success")]
    GmailPoll {
        /// How.
        #[audit(detail = "mail.mode", public)]
        mode: MailMode,
        /// How many mails were looked at.
        #[audit(detail = "mail.processed", public)]
        emails_processed: u64,
        /// How many were new.
        #[audit(detail = "mail.new", public)]
        new_emails: u64,
    } may {
        /// How long it is to the next time, in milliseconds.
        #[audit(detail = "mail.interval_ms", public)]
        interval_ms: u64,
    };

    /// A mail came.
    #[audit(event = "gmail.new_email", category = "gmail", action = "new_email", level = "info", outcome = "success")]
    GmailNewEmail<'a> {
        /// The mail's own id.
        #[audit(detail = "mail.email_id", internal)]
        email_id: Text<'a>,
        /// Who wrote it.
        #[audit(detail = "mail.from", personal = "email")]
        from: Text<'a>,
        /// What it is about.
        #[audit(detail = "mail.subject", personal = "content")]
        subject: Text<'a>,
        /// How it is filed.
        #[audit(detail = "mail.labels", internal)]
        labels: Vec<Text<'a>>,
    } on "email" email_id;

    /// Mail could not be looked for.
    #[audit(event = "gmail.error", category = "gmail", action = "error", level = "error", outcome = "failure")]
    GmailError<'a> {
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error: Text<'a>,
    } may {
        /// The mail that it was about.
        #[audit(detail = "mail.email_id", internal)]
        email_id: Text<'a>,
    };
}
