//! The words that events of the catalogue use: open vocabularies, whose `Other` arm gives any other word back unchanged.

use crate::record::{Outcome, vocabulary};

vocabulary! {
    /// Where a tool runs.
    ToolEnvironment {
        /// On the host itself.
        Host = "host",
        /// In a sandbox.
        Sandbox = "sandbox",
    }
}

vocabulary! {
    /// Where a tool comes from.
    ToolSource {
        /// A server of the Model Context Protocol.
        Mcp = "mcp",
        /// A chain of LangChain.
        LangChain = "langchain",
        /// A function of the application's.
        Function = "function",
    }
}

vocabulary! {
    /// Why a tool was denied.
    DenialType {
        /// A policy forbids it.
        Policy = "policy",
        /// A hook refused it.
        Hook = "hook",
        /// There is no such tool.
        NotFound = "not_found",
        /// The agent's own autonomy was overridden.
        AutonomyOverride = "autonomy_override",
    }
}

vocabulary! {
    /// What an installer of skills is doing.
    InstallPhase {
        /// Installing.
        Install = "install",
        /// Executing what was installed.
        Execute = "execute",
    }
}

vocabulary! {
    /// What became of a command of an installer.
    InstallStatus {
        /// It was not allowed.
        Blocked = "blocked",
        /// It was not needed.
        Skipped = "skipped",
        /// It was done.
        Succeeded = "succeeded",
        /// It was tried and did not succeed.
        Failed = "failed",
    }
}

vocabulary! {
    /// Where a skill comes from.
    SkillTier {
        /// With the agent.
        Bundled = "bundled",
        /// From a source that somebody manages.
        Managed = "managed",
        /// From the workspace.
        Workspace = "workspace",
        /// Nobody knows.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// When a skill is scanned.
    ScanPhase {
        /// When it is loaded.
        Load = "load",
        /// When it is installed.
        Install = "install",
    }
}

vocabulary! {
    /// Who speaks in a conversation.
    Role {
        /// The person.
        User = "user",
        /// The agent.
        Assistant = "assistant",
    }
}

vocabulary! {
    /// How mail is looked for.
    MailMode {
        /// The server says when there is some.
        Watch = "watch",
        /// It is asked again and again.
        Poll = "poll",
    }
}

vocabulary! {
    /// What is done to a file.
    FileOperation {
        /// It is read.
        Read = "read",
        /// It is written.
        Write = "write",
        /// It is removed.
        Delete = "delete",
        /// It is made.
        Create = "create",
    }
}

vocabulary! {
    /// How something was noticed.
    Detection {
        /// By a hook in the agent's program.
        SdkHook = "sdk_hook",
        /// By the kernel.
        Ebpf = "ebpf",
    }
}

vocabulary! {
    /// The protocol of a connection.
    Protocol {
        /// HTTP over TLS.
        Https = "https",
        /// gRPC.
        Grpc = "grpc",
        /// WebSocket.
        Ws = "ws",
        /// TCP, and nothing that is known above it.
        Tcp = "tcp",
    }
}

vocabulary! {
    /// How long an approval holds.
    ApprovalScope {
        /// It stands in the configuration.
        Config = "config",
        /// For the session.
        Session = "session",
        /// For ever.
        Permanent = "permanent",
    }
}

vocabulary! {
    /// The families into which a host of agents sorts its events.
    Category {
        /// An agent calls a tool.
        ToolCall = "tool_call",
        /// A skill of an agent.
        Skill = "skill",
        /// A channel to people.
        Channel = "channel",
        /// Somebody decides.
        Approval = "approval",
        /// Work at its time.
        Schedule = "schedule",
        /// A model is asked.
        Llm = "llm",
        /// The configuration changes.
        Config = "config",
        /// A session begins, changes or ends.
        Session = "session",
        /// A server of tools.
        Mcp = "mcp",
        /// Something dangerous was stopped.
        Safety = "safety",
    }
}

vocabulary! {
    /// How a host of agents says what became of an event; [`Outcome`] has the record's words.
    Status {
        /// It was done.
        Ok = "ok",
        /// It was tried and did not succeed.
        Error = "error",
        /// It waits for somebody.
        Pending = "pending",
        /// It was not allowed.
        Denied = "denied",
    }
}

vocabulary! {
    /// How a server that runs code says what became of a request; [`Outcome`] has the record's words.
    RequestStatus {
        /// It was done.
        Success = "success",
        /// It was tried and did not succeed.
        Failure = "failure",
        /// It was not allowed.
        Rejected = "rejected",
    }
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::Success,
            Status::Error => Self::Failure,
            Status::Pending => Self::Pending,
            Status::Denied => Self::Denied,
            Status::Other(word) => Self::Other(word),
        }
    }
}

impl From<RequestStatus> for Outcome {
    fn from(status: RequestStatus) -> Self {
        match status {
            RequestStatus::Success => Self::Success,
            RequestStatus::Failure => Self::Failure,
            RequestStatus::Rejected => Self::Denied,
            RequestStatus::Other(word) => Self::Other(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a vocabulary, each by the way there and back, and one that nobody has heard of.
    macro_rules! assert_round {
        ($($name:ident)*) => {$(
            for word in $name::KNOWN.iter().copied().chain(["never heard of", ""]) {
                let parsed: $name = word.parse().unwrap();
                assert_eq!(parsed.to_string(), word);
                assert_eq!(parsed.as_str(), word);
                let is_other = parsed == $name::Other(word.to_owned());
                assert_eq!(is_other, !$name::KNOWN.contains(&word), "{word}");
            }
        )*};
    }

    #[test]
    fn every_word_of_every_vocabulary_is_read_back_as_it_was() {
        assert_round!(
            ApprovalScope Category DenialType Detection FileOperation InstallPhase InstallStatus MailMode Protocol
            RequestStatus Role ScanPhase SkillTier Status ToolEnvironment ToolSource
        );
    }

    #[test]
    fn each_status_is_an_outcome_and_no_two_are_one() {
        let of = |words: &[&str], outcome: fn(&str) -> Outcome| -> Vec<Outcome> {
            words.iter().map(|word| outcome(word)).collect()
        };
        assert_eq!(
            of(Status::KNOWN, |word| Status::from(word).into()),
            [
                Outcome::Success,
                Outcome::Failure,
                Outcome::Pending,
                Outcome::Denied
            ]
        );
        assert_eq!(
            of(RequestStatus::KNOWN, |word| RequestStatus::from(word).into()),
            [Outcome::Success, Outcome::Failure, Outcome::Denied]
        );
        assert_eq!(
            Outcome::from(Status::from("odd")),
            Outcome::Other("odd".to_owned())
        );
    }
}
