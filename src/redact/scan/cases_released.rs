//! What looks most like the texts that stay because of what stands around them, and holds a secret: a rule that releases
//! something must not release these. They were found by readers of such rules that were wider.

use super::cases::check;

#[test]
fn a_date_or_a_number_that_may_be_the_persons_is_cut_whatever_is_said_of_it() {
    check(&[
        (
            "message",
            "{\"field\":\"dob\",\"old\":\"«1980-01-02»\",\"new\":\"«1981-02-03»\"}",
        ),
        ("message", "dob updated from=«1980-01-02» to=«1981-02-03»"),
        ("message", "birth registered on «1980-01-02»"),
        ("message", "dob verified on «1980-01-02»"),
        ("message", "bank account «12345678» USD 500.00"),
        ("message", "account #2 number: «12345678»"),
        ("message", "passport «1985-06-07-123456»"),
        ("message", "phone changed: «1632960001»"),
        ("message", "17,bob,otp «sent,482193»"),
    ]);
}

#[test]
fn what_stands_in_the_next_element_or_behind_a_title_or_a_text_is_cut_where_nothing_says_that_it_is_harmless()
{
    check(&[
        ("body", "<h2>Your new password</h2><p>«sunshine»</p>"),
        ("body", "<p>password</p><p>«sunshine»</p>"),
        (
            "body",
            "<soap:msg>invalid password</soap:msg><soap:value>«hunter22x»</soap:value>",
        ),
        ("body", "<user>bob</user><password> «sunshine»"),
        ("message", "auth for \"password\", \"«hunter22x»\": denied"),
        ("message", "log.error(\"wrong password\", «given=hunter22x»)"),
        ("message", "(\"wrong cvv\", «123»)"),
        (
            "message",
            "\"https://vault.corp/v1/kv/token\": «s.abcdef12345678»",
        ),
    ]);
}

#[test]
fn a_word_behind_a_secrets_name_is_cut_where_it_may_be_one() {
    check(&[
        ("message", "profile::mysql::password: «sunshine»"),
        ("message", "Google app secret \"«abcdefghijklmnop»\" revoked"),
        ("message", "unrecognized token \"«abcdefghijklmnop»\""),
        ("message", "PWD=«/sunshine»"),
        ("message", "password: «suspended»"),
        ("message", "app --password «then» sunshine"),
        ("message", "token_filter=«hunter22x»"),
        ("message", "password \"«sunshine»\" {"),
    ]);
}

#[test]
fn a_reference_that_may_hold_the_secret_is_cut() {
    check(&[
        ("message", "TOKEN=\"$(az login --password «hunter22x»)\""),
        ("message", "password = «hash_password(sunshine)»"),
        ("message", "pin = «code(4821)»"),
        ("message", "password=«local.dev»"),
        ("message", "api_key=«$monkey»"),
        ("message", "password: \"«${ssm:/db/password, 'hunter22x'}»\""),
        ("message", "password = input(\"«correct horse battery»\")"),
        ("message", "{\"a\":\"get_password(\\\"\",\"status\":\"ok\"}"),
    ]);
}
