//! Lines of tools and protocols in which a place holds a secret: how each begins, and what stands where. Data only;
//! `forms.rs` reads it.

use super::forms::Form::{self, Chat, Imap, Piped, PipedUser, Refused, Steps};
use super::forms::Step::{
    Begins, End, Exact, Is, Marked, Odd, Quoted, Secret, SecretTo, Then, To, Upto, Word,
};

/// What begins a line, in small letters, and the forms that it may have.
pub(super) const FORMS: &[(&str, Form)] = &[
    // net use Z: \\srv\share SECRET /user:bob
    (
        "net use ",
        Steps(&[
            &[Word, Word, Secret, Then(b" /user:")],
            &[Word, Secret, Then(b" /user:")],
        ]),
    ),
    ("smbclient ", Steps(&[&[To(b" -U "), Upto(b'%'), Secret]])),
    ("chpasswd", PipedUser),
    ("sudo -s", Piped),
    ("sp_addlogin ", Steps(&[&[Quoted, Secret, Marked]])),
    (":identify ", Steps(&[&[Secret, End], &[Word, Secret, End]])),
    (
        "nickserv identify ",
        Steps(&[&[Secret, End], &[Word, Secret, End]]),
    ),
    (" login ", Imap),
    (
        "snmp",
        Steps(&[
            &[Upto(b' '), To(b"-v3 "), To(b"-A "), Secret],
            &[Upto(b' '), To(b"-v3 "), To(b"-X "), Secret],
        ]),
    ),
    ("snmp-server community ", Steps(&[&[Secret, Odd]])),
    ("ssh-keygen ", Steps(&[&[To(b"-N "), Secret]])),
    ("freerdp ", Steps(&[&[To(b"/p:"), Secret]])),
    ("schtasks ", Steps(&[&[To(b" /rp "), Secret]])),
    ("wpa_passphrase ", Steps(&[&[Word, Secret, Odd]])),
    (
        "auth ",
        Steps(&[
            &[Exact(b"AUTH "), Begins, Secret, Odd, End],
            &[Exact(b"AUTH "), Begins, Word, Secret, Odd, End],
        ]),
    ),
    ("acl setuser ", Steps(&[&[To(b" >"), Secret]])),
    ("nuget push ", Steps(&[&[To(b" -k "), Secret]])),
    (":pserver:", Steps(&[&[Upto(b':'), SecretTo(b'@')]])),
    ("config http-basic.", Steps(&[&[Word, Word, Secret]])),
    ("http -a ", Steps(&[&[Upto(b':'), Secret]])),
    ("https -a ", Steps(&[&[Upto(b':'), Secret]])),
    (
        "htpasswd -",
        Steps(&[
            &[Exact(b"htpasswd -bc "), Is(b"bc "), Word, Word, Secret],
            &[Is(b"b "), Word, Word, Secret],
        ]),
    ),
    (
        "/write?",
        Steps(&[&[To(b"u="), Upto(b'&'), Is(b"p="), SecretTo(0), Odd]]),
    ),
    // The words of a sentence.
    ("creds are ", Steps(&[&[Word, Is(b"/ "), Secret, Odd]])),
    ("credentials are ", Steps(&[&[Word, Is(b"/ "), Secret, Odd]])),
    ("パスワードは", Steps(&[&[SecretTo(0), Odd]])),
    // What a program was called with.
    ("pdo->__construct(", Steps(&[&[Quoted, Quoted, Secret, Marked]])),
    (
        "mysqli->__construct(",
        Steps(&[&[Quoted, Quoted, Secret, Marked]]),
    ),
    ("mysqli_connect(", Steps(&[&[Quoted, Quoted, Secret, Marked]])),
    ("wa.me/", Chat),
    ("input_value=", Refused),
];
