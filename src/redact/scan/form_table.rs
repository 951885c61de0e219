//! Lines of tools and protocols in which a place holds a secret: how each begins, and what stands where. Data only;
//! `forms.rs` reads it.

use super::forms::Form::{
    self, Chat, Code, Dialog, Digest, Hash, Imap, Piped, PipedUser, Refused, Stdin, Steps,
};
use super::forms::Step::{
    After, Arg, Begins, Behind, End, Exact, Is, Marked, Mixed, Odd, Quoted, Secret, SecretTo, Sure, Then, To,
    Upto, Word,
};

/// The two secrets of a user of version 3.
const SNMP: Form = Steps(&[
    &[To(b"-v3 "), To(b"-A "), Secret, Odd],
    &[To(b"-v3 "), To(b"-X "), Secret, Odd],
]);

/// A passphrase, or a key in hexadecimal digits.
const PASSPHRASE: Form = Steps(&[&[To(b" -k "), Secret, Sure], &[To(b" -K "), Secret, Sure]]);

const BROKER: &[u8] = b"rabbitmqctl ";

/// What begins a line, in small letters, and the forms that it may have.
pub(super) const FORMS: &[(&str, Form)] = &[
    // net use Z: \\srv\share SECRET /user:bob
    (
        "net use ",
        Steps(&[
            &[Word, Word, Secret, Odd, Then(b" /user:")],
            &[Word, Secret, Odd, Then(b" /user:")],
        ]),
    ),
    ("smbclient ", Steps(&[&[To(b" -U "), Upto(b'%'), Secret, Odd]])),
    ("chpasswd", PipedUser),
    ("sudo -s", Piped),
    ("docker login ", Stdin),
    ("podman login ", Stdin),
    ("helm registry login ", Stdin),
    ("gh auth login ", Stdin),
    // openssl enc -aes-256-cbc -k SECRET -in f
    ("openssl enc ", PASSPHRASE),
    ("openssl aes-", PASSPHRASE),
    (
        "vault login ",
        Steps(&[
            &[Exact(b"vault login "), Secret, Odd, End],
            &[Exact(b"vault login "), Secret, Odd, Then(b" &")],
            &[Exact(b"vault login "), Secret, Odd, Then(b" |")],
            &[Exact(b"vault login "), Secret, Odd, Then(b" >")],
            &[Exact(b"vault login "), Secret, Odd, Then(b";")],
            &[Exact(b"vault login "), Is(b"-no-print "), Secret, Odd],
        ]),
    ),
    ("sp_addlogin ", Steps(&[&[Quoted, Secret, Marked]])),
    (
        ":identify ",
        Steps(&[
            &[Behind(b"NickServ "), Secret, End],
            &[Behind(b"NickServ "), Word, Secret, End],
        ]),
    ),
    (
        "nickserv identify ",
        Steps(&[&[Secret, Odd, End], &[Word, Secret, Odd, End]]),
    ),
    (" login ", Imap),
    ("snmpget ", SNMP),
    ("snmpset ", SNMP),
    ("snmpwalk ", SNMP),
    ("snmpbulkwalk ", SNMP),
    ("snmp-server community ", Steps(&[&[Secret, Odd]])),
    ("ssh-keygen ", Steps(&[&[To(b"-N "), Secret, Odd]])),
    ("freerdp ", Steps(&[&[To(b" /p:"), Secret, Odd]])),
    ("schtasks ", Steps(&[&[To(b" /rp "), Secret, Odd]])),
    ("wpa_passphrase ", Steps(&[&[Word, Secret, Odd]])),
    (
        "auth ",
        Steps(&[
            &[Exact(b"AUTH "), Begins, Secret, Mixed, End],
            &[Exact(b"AUTH "), Begins, Word, Secret, Mixed, End],
        ]),
    ),
    (
        "acl setuser ",
        Steps(&[&[Exact(b"ACL SETUSER "), To(b" >"), Secret, Odd]]),
    ),
    ("nuget push ", Steps(&[&[To(b" -k "), Secret, Odd]])),
    (":pserver:", Steps(&[&[Upto(b':'), SecretTo(b'@')]])),
    ("config http-basic.", Steps(&[&[Word, Word, Secret, Odd]])),
    ("http -a ", Steps(&[&[Upto(b':'), Secret, Odd]])),
    ("https -a ", Steps(&[&[Upto(b':'), Secret, Odd]])),
    (
        "htpasswd -",
        Steps(&[
            &[Exact(b"htpasswd -bc "), Is(b"bc "), Word, Word, Secret, Odd],
            &[Is(b"b "), Word, Word, Secret, Odd],
            &[Is(b"bB "), Word, Word, Secret, Odd],
            &[Is(b"Bb "), Word, Word, Secret, Odd],
            &[Is(b"B -b "), Word, Word, Secret, Odd],
            &[Is(b"bcB "), Word, Word, Secret, Odd],
            &[Is(b"cbB "), Word, Word, Secret, Odd],
            // Printed and not filed.
            &[Is(b"nb "), Word, Secret, Odd],
            &[Is(b"bn "), Word, Secret, Odd],
            &[Is(b"nbB "), Word, Secret, Odd],
            &[Is(b"bnB "), Word, Secret, Odd],
            &[Is(b"C "), To(b" -bB "), Word, Word, Secret, Odd],
        ]),
    ),
    (
        "/write?",
        Steps(&[
            &[Is(b"u="), Upto(b'&'), Is(b"p="), SecretTo(0), Odd],
            &[To(b"&u="), Upto(b'&'), Is(b"p="), SecretTo(0), Odd],
        ]),
    ),
    // rabbitmqctl change_password bob SECRET
    ("change_password ", Steps(&[&[Arg, Secret, Sure, After(BROKER)]])),
    ("add_user ", Steps(&[&[Arg, Secret, Sure, After(BROKER)]])),
    (
        "authenticate_user ",
        Steps(&[&[Arg, Secret, Sure, After(BROKER)]]),
    ),
    ("$argon2", Hash),
    ("$scrypt$", Hash),
    ("pbkdf2:sha", Digest),
    ("scrypt:", Digest),
    // What a mail server asks, in base64.
    ("ugfzc3dvcmq6", Dialog),
    ("cgfzc3dvcmq6", Dialog),
    ("ugfzc3dvcmq=", Dialog),
    // The words of a sentence.
    (" is your ", Code),
    (" as your ", Code),
    ("creds are ", Steps(&[&[Word, Is(b"/ "), Secret, Odd]])),
    ("credentials are ", Steps(&[&[Word, Is(b"/ "), Secret, Odd]])),
    // What a program was called with.
    ("pdo->__construct(", Steps(&[&[Quoted, Quoted, Secret, Marked]])),
    (
        "mysqli->__construct(",
        Steps(&[&[Quoted, Quoted, Secret, Marked]]),
    ),
    ("db.auth(", Steps(&[&[Quoted, Secret, Marked]])),
    ("mysqli_connect(", Steps(&[&[Quoted, Quoted, Secret, Marked]])),
    ("wa.me/", Chat),
    ("input_value=", Refused),
];
