//! Open vocabularies: the words this crate knows, and an `Other` arm that gives any other word back unchanged.

use std::fmt;

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// Any other word, kept as it was given.
            Other(String),
        }

        impl $name {
            /// The word as it stands in a line.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)*
                    _ => Self::Other(word.to_owned()),
                }
            }
        }

        impl $crate::record::Word for $name {
            fn word(&self) -> &str {
                self.as_str()
            }

            fn of_word(word: &str) -> Option<Self> {
                Some(Self::from(word))
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// What became of the action.
    Outcome {
        /// It was done.
        Success = "success",
        /// It was tried and did not succeed.
        Failure = "failure",
        /// It was not allowed.
        Denied = "denied",
        /// It has begun, or waits for somebody.
        Pending = "pending",
        /// There is no evidence.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What kind of subject acted.
    ActorType {
        /// A person.
        User = "user",
        /// The application itself.
        System = "system",
        /// Another program.
        Service = "service",
        /// An autonomous agent.
        Agent = "agent",
        /// Nobody was named.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What a policy said, whether it was enforced or only evaluated.
    Verdict {
        /// Permitted.
        Allow = "allow",
        /// Not permitted.
        Deny = "deny",
        /// Somebody must decide.
        Pending = "pending",
        /// Permitted with parts removed.
        Redact = "redact",
    }
}

vocabulary! {
    /// How much a record matters to somebody who reads along, least first: trace, debug, info, warn, error.
    Level {
        /// Finest detail.
        Trace = "trace",
        /// Detail.
        Debug = "debug",
        /// The normal course.
        Info = "info",
        /// Something to look at.
        Warn = "warn",
        /// Something failed.
        Error = "error",
    }
}

impl Level {
    /// The rank for thresholds: 1 (trace) to 5 (error); 0 for a word that is no level.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Trace => 1,
            Self::Debug => 2,
            Self::Info => 3,
            Self::Warn => 4,
            Self::Error => 5,
            Self::Other(_) => 0,
        }
    }
}
