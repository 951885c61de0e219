//! The vocabulary of names: which words say that a value is a secret or a person's, and which take that back.

use super::scan::hits::Sort;

/// How much a name alone proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// The name is enough.
    Certain,
    /// The value must hold at least so many digits: `phone: iPhone` is no telephone number.
    Digits(u8),
    /// The value must look like a house in a street: a number and words.
    Street,
    /// The value must look like a key, not like a word or a number.
    Opaque,
    /// As `Opaque`, and only as a parameter of a URL or as a cookie.
    Parameter,
}

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) sort: Sort,
    pub(crate) force: Force,
    /// `tokens`, `passwords`: a bare number is how many there are.
    pub(crate) plural: bool,
    /// Passwords and codes: a few digits are enough to be one.
    pub(crate) short: bool,
    /// The value may be several words: `seed phrase`.
    pub(crate) phrase: bool,
}

/// The parts that a word can play in a name; one word can play several.
pub(super) mod part {
    /// A secret by itself.
    pub(in super::super) const SECRET: u16 = 1;
    /// A password or a short code by itself.
    pub(in super::super) const SHORT: u16 = 1 << 1;
    /// A secret where the value looks like a key.
    pub(in super::super) const OPAQUE: u16 = 1 << 2;
    /// A secret as a parameter or a cookie, where the value looks like a key.
    pub(in super::super) const PARAMETER: u16 = 1 << 3;
    /// Before `key`, makes a secret.
    pub(in super::super) const OF_KEY: u16 = 1 << 4;
    /// Before `code`, makes a secret.
    pub(in super::super) const OF_CODE: u16 = 1 << 5;
    /// Before `phrase` or `words`, makes a secret.
    pub(in super::super) const OF_PHRASE: u16 = 1 << 6;
    /// Before a secret's name, makes it the name of something about the secret.
    pub(in super::super) const HEAD: u16 = 1 << 7;
    /// Behind a secret's name, makes it the name of something about the secret.
    pub(in super::super) const TAIL: u16 = 1 << 8;
    /// A tail of every name but a password's: a password's hash lets it be guessed.
    pub(in super::super) const HASH: u16 = 1 << 9;
    /// A head of every name but a password's: language models and pages of lists have tokens too.
    pub(in super::super) const TOKEN_HEAD: u16 = 1 << 10;
}

/// Words and the part they play.
pub(super) const WORDS: &[(u16, &str)] = &[
    (
        part::SECRET | part::SHORT,
        "password passwd passwort passwrd passw pswd pwd pass passphrase passcode psw pw pin otp totp hotp cvv cvc \
         cvn csc passw0rd p4ssword p4ssw0rd pa55word pa55w0rd kennwort contrasena contraseña senha wachtwoord hasło \
         lösenord losenord adgangskode passord salasana jelszo jelszó \
         парол пароль 密码 密碼 パスワード motdepasse pgpassword htpasswd requirepass storepass keypass \
         truststorepass dbpass userpass rootpass adminpass masterauth bindpw rootpw adminpw dbpwd dbpw userpwd deststorepass srcstorepass destkeypass srckeypass phpsessid jsessionid",
    ),
    (
        part::SECRET,
        "secret token apikey apisecret apitoken accesskey secretkey privatekey privkey signingkey masterkey accountkey \
         sharedkey sharedaccesskey encryptionkey authkey sessionkey accesstoken authtoken refreshtoken idtoken \
         sessiontoken csrftoken xsrftoken clientsecret appkey sshkey credential cred authorization bearer jwt \
         cookie mnemonic psk dsn seedphrase connectionstring connstr geheimnis passkey kubeconfig keytab",
    ),
    (
        part::OPAQUE,
        "auth csrf xsrf salt oauth sessionid samlresponse samlrequest",
    ),
    (
        part::PARAMETER,
        "key sig signature session sess sid appid nonce ticket assertion saml \
         code state rememberme remember identity identityserver verifier invite invitation hash hmac",
    ),
    (
        part::OF_KEY,
        "api access secret private priv signing encryption decryption auth session client shared ssh master account \
         service webhook hmac aes rsa ec gpg pgp consumer app application deploy crypto cipher symmetric wallet \
         integration subscription server license licence activation ingest ingestion sdk bot stripe openai anthropic \
         github gitlab sendgrid twilio google maps datadog dd azure aws gcp cloudflare algolia mailgun pagerduty \
         newrelic nr sentry jwt psk preshared recovery unseal root admin xapi fernet",
    ),
    (
        part::OF_CODE,
        "verification security auth authorization authentication otp access recovery backup confirmation mfa 2fa tfa \
         sms pin login reset activation unlock door gate onetime passcode card cvv device",
    ),
    (
        part::OF_PHRASE,
        "seed recovery secret backup pass wallet mnemonic",
    ),
    (
        part::HEAD,
        "max min maximum minimum has is num total count counts requires needs number no missing invalid next prev \
         public show hide toggle allow disable enable use uses avg average used remaining per",
    ),
    (
        part::TOKEN_HEAD,
        "previous page continuation cancellation input output prompt completion cached reasoning stop eos bos pad \
         unk sep cls special mask masked design css syntax lexer",
    ),
    (
        part::TAIL,
        "count counts used type types id ids name names version at policy policies enabled disabled verified ttl \
         length len expiry expires expire expired expiration expirationdate age limit limits usage required valid \
         invalid status kind strength attempts attempt url uri endpoint path paths file filename dir directory \
         location arn ref reference field fields header label prefix hint format regex pattern rotation rotated \
         changed updated created issued sent source provider scope scopes issuer audience index bucket budget \
         manager store service host port size rate ratio cost price symbol address supply per in reset validator \
         validation error errors message reason event action method mode algorithm alg family class template domain \
         subject brand network last4 last country fingerprint thumbprint checksum mask masked set present exists \
         chars min max total number consent preferences banner holder layout view component grid model os queue box \
         form button page link screen placeholder help parser lexer stream tree window span trait generator \
         factory handler middleware bounced opened unsubscribed optin confirmed frequency interval days hours \
         minutes seconds secs ms date time timestamp year month policyid serviceid rules requirements complexity \
         check checks checker cache protection entropy category level permissions permission group role roles samesite httponly encoder \
         owner org region zone namespace scanning hasher hashing stdin supported \
         map list array vector embedding embeddings position positions offset batch",
    ),
    (part::HASH, "hash digest hashes digests sha256 md5 sum"),
];

/// Names of several words, and what they say. The last word of each must be one that the trigger list knows.
pub(super) const SEQUENCES: &[(&str, Sort, Force)] = &[
    ("connection string", Sort::Secret, Force::Certain),
    ("conn str", Sort::Secret, Force::Certain),
    ("conn string", Sort::Secret, Force::Certain),
    ("mot de passe", Sort::Secret, Force::Certain),
    ("one time code", Sort::Secret, Force::Certain),
    ("your code", Sort::Secret, Force::Certain),
    ("one time pin", Sort::Secret, Force::Certain),
    ("two factor code", Sort::Secret, Force::Certain),
    ("factor code", Sort::Secret, Force::Certain),
    ("security answer", Sort::Secret, Force::Certain),
    ("question answer", Sort::Secret, Force::Certain),
    ("basic auth", Sort::Secret, Force::Certain),
    ("rediscli auth", Sort::Secret, Force::Certain),
    ("auth header", Sort::Secret, Force::Certain),
    ("authorization header", Sort::Secret, Force::Certain),
    ("secret answer", Sort::Secret, Force::Certain),
    ("session id", Sort::Secret, Force::Opaque),
    ("connect sid", Sort::Secret, Force::Certain),
    ("saml response", Sort::Secret, Force::Opaque),
    ("saml request", Sort::Secret, Force::Opaque),
    ("github pat", Sort::Secret, Force::Certain),
    ("gh pat", Sort::Secret, Force::Certain),
    ("gitlab pat", Sort::Secret, Force::Certain),
    ("devops pat", Sort::Secret, Force::Certain),
    ("service role key", Sort::Secret, Force::Certain),
    ("secure string", Sort::Secret, Force::Certain),
    ("functions key", Sort::Secret, Force::Certain),
    ("storage key", Sort::Secret, Force::Opaque),
    ("connection key", Sort::Secret, Force::Certain),
    ("set cookie", Sort::Secret, Force::Certain),
    ("aws access key id", Sort::Secret, Force::Opaque),
    ("awsaccess key id", Sort::Secret, Force::Opaque),
    ("awsaccesskeyid", Sort::Secret, Force::Opaque),
    ("googleaccessid", Sort::Secret, Force::Opaque),
    ("card number", Sort::Financial, Force::Digits(8)),
    ("card num", Sort::Financial, Force::Digits(8)),
    ("card no", Sort::Financial, Force::Digits(8)),
    ("cardnumber", Sort::Financial, Force::Digits(8)),
    ("ccnumber", Sort::Financial, Force::Digits(8)),
    ("ccnum", Sort::Financial, Force::Digits(8)),
    ("cc number", Sort::Financial, Force::Digits(8)),
    ("cc num", Sort::Financial, Force::Digits(8)),
    ("credit card", Sort::Financial, Force::Digits(8)),
    ("debit card", Sort::Financial, Force::Digits(8)),
    ("creditcard", Sort::Financial, Force::Digits(8)),
    ("pan", Sort::Financial, Force::Digits(8)),
    ("iban", Sort::Financial, Force::Digits(8)),
    ("account number", Sort::Financial, Force::Digits(5)),
    ("accountnumber", Sort::Financial, Force::Digits(5)),
    ("acct number", Sort::Financial, Force::Digits(5)),
    ("account no", Sort::Financial, Force::Digits(5)),
    ("acct no", Sort::Financial, Force::Digits(5)),
    ("bank account", Sort::Financial, Force::Digits(5)),
    ("routing number", Sort::Financial, Force::Digits(5)),
    ("sort code", Sort::Financial, Force::Digits(5)),
    ("email", Sort::Personal, Force::Certain),
    ("e mail", Sort::Personal, Force::Certain),
    ("emailaddress", Sort::Personal, Force::Certain),
    ("email address", Sort::Personal, Force::Certain),
    ("mail address", Sort::Personal, Force::Certain),
    ("phone", Sort::Personal, Force::Digits(5)),
    ("phone number", Sort::Personal, Force::Digits(5)),
    ("phonenumber", Sort::Personal, Force::Digits(5)),
    ("telephone", Sort::Personal, Force::Digits(5)),
    ("telephone number", Sort::Personal, Force::Digits(5)),
    ("tel", Sort::Personal, Force::Digits(5)),
    ("mobile", Sort::Personal, Force::Digits(5)),
    ("mobile number", Sort::Personal, Force::Digits(5)),
    ("cell", Sort::Personal, Force::Digits(7)),
    ("cellphone", Sort::Personal, Force::Digits(5)),
    ("msisdn", Sort::Personal, Force::Digits(5)),
    ("fax", Sort::Personal, Force::Digits(5)),
    ("fax number", Sort::Personal, Force::Digits(5)),
    ("ssn", Sort::Personal, Force::Digits(4)),
    ("social security", Sort::Personal, Force::Digits(4)),
    ("social security number", Sort::Personal, Force::Digits(4)),
    ("socialsecuritynumber", Sort::Personal, Force::Digits(4)),
    ("tax id", Sort::Personal, Force::Digits(4)),
    ("tax number", Sort::Personal, Force::Digits(4)),
    ("tax identification number", Sort::Personal, Force::Digits(4)),
    ("taxid", Sort::Personal, Force::Digits(4)),
    ("itin", Sort::Personal, Force::Digits(4)),
    ("national id", Sort::Personal, Force::Digits(4)),
    ("national insurance", Sort::Personal, Force::Digits(4)),
    ("national insurance number", Sort::Personal, Force::Digits(4)),
    ("nationalid", Sort::Personal, Force::Digits(4)),
    ("identity number", Sort::Personal, Force::Digits(4)),
    ("personal number", Sort::Personal, Force::Digits(4)),
    ("personnummer", Sort::Personal, Force::Digits(4)),
    ("government id", Sort::Personal, Force::Digits(4)),
    ("insurance number", Sort::Personal, Force::Digits(4)),
    ("nino", Sort::Personal, Force::Digits(4)),
    ("nhs number", Sort::Personal, Force::Digits(4)),
    ("steuer id", Sort::Personal, Force::Digits(4)),
    ("aadhaar", Sort::Personal, Force::Digits(4)),
    ("cpf", Sort::Personal, Force::Digits(4)),
    ("passport", Sort::Personal, Force::Digits(4)),
    ("passport number", Sort::Personal, Force::Digits(1)),
    ("passport no", Sort::Personal, Force::Digits(1)),
    ("passportnumber", Sort::Personal, Force::Digits(1)),
    ("driver license", Sort::Personal, Force::Digits(4)),
    ("driver licence", Sort::Personal, Force::Digits(4)),
    ("driving license", Sort::Personal, Force::Digits(4)),
    ("driving licence", Sort::Personal, Force::Digits(4)),
    ("license number", Sort::Personal, Force::Digits(4)),
    ("licence number", Sort::Personal, Force::Digits(4)),
    ("medical record number", Sort::Personal, Force::Digits(4)),
    ("mrn", Sort::Personal, Force::Digits(4)),
    ("dob", Sort::Personal, Force::Digits(2)),
    ("dateofbirth", Sort::Personal, Force::Digits(2)),
    ("date of birth", Sort::Personal, Force::Digits(2)),
    ("birth date", Sort::Personal, Force::Digits(2)),
    ("birthdate", Sort::Personal, Force::Digits(2)),
    ("birthday", Sort::Personal, Force::Digits(2)),
    ("birth day", Sort::Personal, Force::Digits(2)),
    ("geburtsdatum", Sort::Personal, Force::Digits(2)),
    ("date de naissance", Sort::Personal, Force::Digits(2)),
    ("fecha de nacimiento", Sort::Personal, Force::Digits(2)),
    ("data di nascita", Sort::Personal, Force::Digits(2)),
    ("first name", Sort::Personal, Force::Certain),
    ("firstname", Sort::Personal, Force::Certain),
    ("last name", Sort::Personal, Force::Certain),
    ("lastname", Sort::Personal, Force::Certain),
    ("middle name", Sort::Personal, Force::Certain),
    ("full name", Sort::Personal, Force::Certain),
    ("fullname", Sort::Personal, Force::Certain),
    ("given name", Sort::Personal, Force::Certain),
    ("givenname", Sort::Personal, Force::Certain),
    ("family name", Sort::Personal, Force::Certain),
    ("familyname", Sort::Personal, Force::Certain),
    ("maiden name", Sort::Personal, Force::Certain),
    ("legal name", Sort::Personal, Force::Certain),
    ("cardholder name", Sort::Personal, Force::Certain),
    ("card holder", Sort::Personal, Force::Certain),
    ("cardholder", Sort::Personal, Force::Certain),
    ("holder name", Sort::Personal, Force::Certain),
    ("customer name", Sort::Personal, Force::Certain),
    ("patient name", Sort::Personal, Force::Certain),
    ("beneficiary name", Sort::Personal, Force::Certain),
    ("surname", Sort::Personal, Force::Certain),
    ("street address", Sort::Personal, Force::Certain),
    ("home address", Sort::Personal, Force::Certain),
    ("postal address", Sort::Personal, Force::Certain),
    ("billing address", Sort::Personal, Force::Certain),
    ("shipping address", Sort::Personal, Force::Certain),
    ("mailing address", Sort::Personal, Force::Certain),
    ("delivery address", Sort::Personal, Force::Certain),
    ("residential address", Sort::Personal, Force::Certain),
    ("address line", Sort::Personal, Force::Certain),
    ("address", Sort::Personal, Force::Street),
    ("addr", Sort::Personal, Force::Street),
    ("street", Sort::Personal, Force::Certain),
    ("postal code", Sort::Personal, Force::Digits(2)),
    ("zip code", Sort::Personal, Force::Digits(4)),
    ("zipcode", Sort::Personal, Force::Digits(4)),
    ("postcode", Sort::Personal, Force::Digits(2)),
    ("diagnosis", Sort::Personal, Force::Certain),
    ("medical condition", Sort::Personal, Force::Certain),
    ("blood type", Sort::Personal, Force::Certain),
    ("ethnicity", Sort::Personal, Force::Certain),
    ("religion", Sort::Personal, Force::Certain),
    ("ip", Sort::Network, Force::Certain),
    ("ip address", Sort::Network, Force::Certain),
    ("ip addr", Sort::Network, Force::Certain),
    ("ipaddress", Sort::Network, Force::Certain),
    ("ipaddr", Sort::Network, Force::Certain),
    ("remote addr", Sort::Network, Force::Certain),
    ("remote address", Sort::Network, Force::Certain),
    ("client addr", Sort::Network, Force::Certain),
    ("client address", Sort::Network, Force::Certain),
    ("peer addr", Sort::Network, Force::Certain),
    ("peer address", Sort::Network, Force::Certain),
    ("source address", Sort::Network, Force::Certain),
    ("forwarded for", Sort::Network, Force::Certain),
];

/// What a text must hold, in any case, for a name of the vocabulary to end there. Network names are not among them:
/// an address is found by its shape.
pub(super) const TRIGGERS: &[&str] = &[
    "pass",
    "pwd",
    "pswd",
    "psw",
    "pw",
    "secret",
    "token",
    "key",
    "cred",
    "authorization",
    "auth",
    "bearer",
    "jwt",
    "otp",
    "cvv",
    "cvc",
    "cvn",
    "csc",
    "pin",
    "cookie",
    "mnemonic",
    "dsn",
    "phrase",
    "masterauth",
    "psk",
    "answer",
    "words",
    "code",
    "nstring",
    "n_string",
    "n string",
    "n-string",
    "nstr",
    "n_str",
    "n str",
    "kennwort",
    "contrase",
    "senha",
    "wachtwoord",
    "hasło",
    "парол",
    "密码",
    "密碼",
    "パスワード",
    "pa55",
    "p4ss",
    "geheimnis",
    "keytab",
    "csrf",
    "xsrf",
    "salt",
    "sig=",
    "signature=",
    "sess",
    "securestring",
    "appid=",
    "hub_pat",
    "gh_pat",
    "lab_pat",
    "ops_pat",
    "connect.sid",
    "geburts",
    "naissance",
    "nacimiento",
    "nascita",
    "sid=",
    "nonce=",
    "ticket=",
    "assertion=",
    "response=",
    "saml",
    "state=",
    "verifier=",
    "invite=",
    "invitation=",
    "remember",
    "identity=",
    "hash=",
    "hmac=",
    "keyid",
    "accessid",
    "number",
    "card_num",
    "ccnum",
    "cc_num",
    "cardnum",
    "card_no",
    "card no",
    "account no",
    "account_no",
    "acct no",
    "acct_no",
    "card",
    "pan",
    "iban",
    "account",
    "mail",
    "phone",
    "tel",
    "mobile",
    "cell",
    "msisdn",
    "fax",
    "ssn",
    "security",
    "taxid",
    "tax_id",
    "tax id",
    "tax-id",
    "itin",
    "nationalid",
    "national_id",
    "national id",
    "national-id",
    "governmentid",
    "government_id",
    "government id",
    "insurance",
    "nino",
    "steuer",
    "aadhaar",
    "cpf",
    "passport",
    "license",
    "licence",
    "mrn",
    "dob",
    "birth",
    "name",
    "holder",
    "street",
    "address",
    "zip",
    "postcode",
    "diagnosis",
    "condition",
    "blood type",
    "blood_type",
    "bloodtype",
    "ethnicity",
    "religion",
    "personnummer",
];
