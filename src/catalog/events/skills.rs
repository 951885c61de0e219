//! Skills of an agent: what a scan finds in them, and what their installer does.

use super::define::events;
use super::{InstallPhase, InstallStatus, ScanPhase, SkillTier, Text};
use crate::record::Outcome;

events! {
    /// A skill was scanned, and may be used.
    #[audit(event = "skills.scan.pass", category = "skills.scan", action = "pass", level = "info", outcome = "success")]
    SkillScanPass<'a> {
        /// The skill.
        #[audit(detail = "skill_scan.skill", internal)]
        skill_name: Text<'a>,
        /// Where it comes from.
        #[audit(detail = "skill_scan.tier", public)]
        tier: SkillTier,
        /// When it was scanned.
        #[audit(detail = "skill_scan.phase", public)]
        phase: ScanPhase,
        /// How many errors were found.
        #[audit(detail = "skill_scan.error_count", public)]
        error_count: u64,
        /// How many warnings.
        #[audit(detail = "skill_scan.warn_count", public)]
        warn_count: u64,
        /// What was found.
        #[audit(detail = "skill_scan.issue_codes", internal)]
        issue_codes: Vec<Text<'a>>,
    } on "skill" skill_name set {
        /// Whether it may be used.
        #[audit(detail = "skill_scan.ok", public)]
        ok: bool = true,
    };

    /// A skill was scanned, and must not be used.
    #[audit(event = "skills.scan.fail", category = "skills.scan", action = "fail", level = "warn", outcome = "failure")]
    SkillScanFail<'a> {
        /// The skill.
        #[audit(detail = "skill_scan.skill", internal)]
        skill_name: Text<'a>,
        /// Where it comes from.
        #[audit(detail = "skill_scan.tier", public)]
        tier: SkillTier,
        /// When it was scanned.
        #[audit(detail = "skill_scan.phase", public)]
        phase: ScanPhase,
        /// How many errors were found.
        #[audit(detail = "skill_scan.error_count", public)]
        error_count: u64,
        /// How many warnings.
        #[audit(detail = "skill_scan.warn_count", public)]
        warn_count: u64,
        /// What was found.
        #[audit(detail = "skill_scan.issue_codes", internal)]
        issue_codes: Vec<Text<'a>>,
    } on "skill" skill_name set {
        /// Whether it may be used.
        #[audit(detail = "skill_scan.ok", public)]
        ok: bool = false,
    };

    /// An installer was not allowed to execute what it wanted to.
    #[audit(event = "skills.installer.execution_blocked", category = "skills.installer", action = "execution_blocked", level = "warn", outcome = "denied")]
    SkillExecutionBlocked<'a> {
        /// The skill.
        #[audit(detail = "skill_install.skill", internal)]
        skill_name: Text<'a>,
        /// What the installer is doing.
        #[audit(detail = "skill_install.phase", public)]
        phase: InstallPhase,
        /// Whether execution was asked for.
        #[audit(detail = "skill_install.execution_requested", public)]
        execution_requested: bool,
        /// Whether it is allowed at all.
        #[audit(detail = "skill_install.execution_enabled", public)]
        execution_enabled: bool,
        /// Why it was not.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
        /// How many commands there were.
        #[audit(detail = "skill_install.attempted_command_count", public)]
        attempted_command_count: u64,
    } on "skill" skill_name;

    /// An installer came to the end of a command.
    #[audit(event = "skills.installer.command_result", category = "skills.installer", action = "command_result", level = "info")]
    SkillCommandResult<'a> {
        /// The skill.
        #[audit(detail = "skill_install.skill", internal)]
        skill_name: Text<'a>,
        /// What the installer is doing.
        #[audit(detail = "skill_install.phase", public)]
        phase: InstallPhase,
        /// What kind of installer it is.
        #[audit(detail = "skill_install.installer_type", internal)]
        installer_type: Text<'a>,
        /// The command. It is looked through for secrets, and not hidden.
        #[audit(detail = "skill_install.command", internal)]
        command: Text<'a>,
        /// What became of it.
        #[audit(detail = "skill_install.status", public)]
        status: InstallStatus,
        /// Why.
        #[audit(slot = "reason", internal)]
        reason: Text<'a>,
    } on "skill" skill_name set {
        /// The same in the words of every record.
        #[audit(slot = "outcome", public)]
        outcome: Outcome = outcome_of(&status),
    };

    /// An agent ran a skill.
    #[audit(event = "skill.run", category = "skill", action = "run", level = "info")]
    SkillRun<'a> {
        /// The skill.
        #[audit(detail = "skill.name", internal)]
        skill_name: Text<'a>,
        /// What became of it.
        #[audit(slot = "outcome", public)]
        outcome: Outcome,
    } on "skill" skill_name may {
        /// One sentence for people.
        #[audit(slot = "summary", internal)]
        summary: Text<'a>,
        /// What went wrong.
        #[audit(slot = "error.message", internal)]
        error: Text<'a>,
    } and agent;
}

/// What the status says of the outcome. A command that was not needed was not refused and did not fail.
fn outcome_of(status: &InstallStatus) -> Outcome {
    match status {
        InstallStatus::Succeeded => Outcome::Success,
        InstallStatus::Failed => Outcome::Failure,
        InstallStatus::Blocked => Outcome::Denied,
        InstallStatus::Skipped | InstallStatus::Other(_) => Outcome::Unknown,
    }
}
