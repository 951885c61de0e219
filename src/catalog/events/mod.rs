//! Typed events for what agents, their hosts and their rulers do: name, places and classes are decided, so that two
//! applications say the same thing in the same words.

mod access;
mod agent;
mod automation;
mod blank;
mod define;
mod given;
mod host;
mod mail;
mod page;
mod security;
mod session;
mod skills;
mod system;
mod tool;
mod violation;
mod words;

use std::borrow::Cow;

pub use access::{
    DataConsentGrant, DataConsentWithdraw, DataCreate, DataDelete, DataExport, DataPermissionChange,
    DataRestrict, DataUnrestrict, DataUpdate, DataView,
};
pub use agent::{
    AgentSpawn, ApprovalDecide, FileOp, LlmCall, NetworkCall, PolicyViolation, ProcessExec, ToolCall,
    ToolResult,
};
pub use automation::{
    CronAdd, CronRemove, CronSent, CronTrigger, HeartbeatCheck, HeartbeatCycle, HeartbeatFail,
    HeartbeatRecover, McpHealthFail, ScheduleFire, WebhookDenied, WebhookNotFound, WebhookReceive,
    WebhookSent,
};
pub use blank::NotBlank;
pub use given::Given;
pub use host::{
    ApprovalAuto, ChannelRoute, LlmRound, OperatorChange, SafetyPanic, SafetyResume, SupervisorReview,
};
pub use mail::{GmailError, GmailNewEmail, GmailPoll};
pub use page::page;
pub use security::{
    AuthFailure, CircuitOpen, ElevationDisabled, ElevationEnabled, ElevationExpired, QueueFull, RateLimited,
};
pub use session::{
    SessionCompact, SessionCreate, SessionDelete, SessionMessage, SessionSwitch, SessionTransfer,
};
pub use skills::{SkillCommandResult, SkillExecutionBlocked, SkillRun, SkillScanFail, SkillScanPass};
pub use system::{ConfigChange, Discovery, Shutdown, SystemConfig, SystemStart, SystemStop};
pub use tool::{ToolApproval, ToolDenied, ToolError, ToolStart, ToolSuccess};
pub use violation::Violation;
pub use words::{
    ApprovalScope, Category, DenialType, Detection, FileOperation, InstallPhase, InstallStatus, MailMode,
    Protocol, RequestStatus, Role, ScanPhase, SkillTier, Status, ToolEnvironment, ToolSource,
};

use crate::record::EventMeta;

/// A text of an event: borrowed where it can be, owned where it was read back.
pub type Text<'a> = Cow<'a, str>;

/// The events of each file, in the order of the document.
const FILES: [&[&EventMeta]; 10] = [
    tool::EVENTS,
    security::EVENTS,
    skills::EVENTS,
    session::EVENTS,
    automation::EVENTS,
    mail::EVENTS,
    system::EVENTS,
    agent::EVENTS,
    host::EVENTS,
    access::EVENTS,
];

/// How many there are.
#[expect(
    clippy::indexing_slicing,
    reason = "loops over their own lengths; `get` is not const"
)]
const COUNT: usize = {
    let (mut file, mut count) = (0, 0);
    while file < FILES.len() {
        count += FILES[file].len();
        file += 1;
    }
    count
};

/// What every event of the catalogue is, by file: what `docs/events.md` lists.
pub static EVENTS: &[&EventMeta] = &all();

#[expect(
    clippy::indexing_slicing,
    reason = "as above; what is out of bounds does not compile"
)]
const fn all() -> [&'static EventMeta; COUNT] {
    let mut all = [FILES[0][0]; COUNT];
    let (mut file, mut count) = (0, 0);
    while file < FILES.len() {
        let mut at = 0;
        while at < FILES[file].len() {
            all[count] = FILES[file][at];
            (at, count) = (at + 1, count + 1);
        }
        file += 1;
    }
    all
}
