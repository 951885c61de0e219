//! The words that say what a number beside them is, and the pairs of words that do.

use super::clue::{
    AADHAAR, ACCOUNT, ADDRESS, BIRTH, BSN, CALL, CARD, CPF, DNI, DOCUMENT, EMAIL, FORMED, GOVERNMENT,
    HARDWARE, HOLDING, IBAN, IMEI, Kinds, LICENSED, NATIONAL, NINO, NIR, OPAQUE, PESEL, PHONE, POSTAL,
    RELEASE, SIN, SOCIAL, SSN, STEUER, TAX, VERSION, ZIP,
};

/// The kinds of one lower-case word.
pub(super) fn kinds(word: &[u8]) -> Kinds {
    match word {
        b"phone" | b"phones" | b"telephone" | b"tel" | b"mobile" | b"msisdn" | b"sms" | b"whatsapp"
        | b"fax" | b"telefon" | b"handy" | b"handynummer" | b"telefonnummer" | b"rufnummer" | b"telefono"
        | b"movil" | b"celular" | b"cellphone" | b"telefax" | b"mobil" | b"phonenumber" | b"landline" => {
            PHONE
        }
        // 電話, 電話番号
        b"\xe9\x9b\xbb\xe8\xa9\xb1" | b"\xe9\x9b\xbb\xe8\xa9\xb1\xe7\x95\xaa\xe5\x8f\xb7" => PHONE,
        b"call" | b"called" | b"calling" | b"caller" | b"callback" | b"cell" | b"dial" | b"dialed"
        | b"contact" | b"reach" | b"text" | b"texted" | b"voicemail" => CALL,
        b"ssn" | b"itin" | b"ssns" | b"socialsecuritynumber" => SSN,
        b"tin" | b"taxid" | b"taxpayer" => SSN | STEUER,
        b"card" | b"cards" | b"pan" | b"visa" | b"mastercard" | b"amex" | b"cc" | b"ccn" | b"creditcard"
        | b"cardnumber" | b"discover" | b"maestro" | b"jcb" | b"unionpay" | b"diners" | b"kreditkarte"
        | b"cardno" | b"debit" | b"carte" | b"tarjeta" => CARD,
        b"acct" | b"kontonummer" | b"accountnumber" | b"routing" | b"bban" | b"kontonr" | b"acctno" => {
            ACCOUNT
        }
        b"iban" | b"ibans" => IBAN | ACCOUNT,
        b"nino" => NINO,
        b"sin" => SIN,
        b"steuer" | b"steuerid" | b"steueridentifikationsnummer" | b"idnr" | b"steuernummer" => STEUER,
        b"nir" | b"insee" | b"sociale" | b"secu" => NIR,
        b"aadhaar" | b"aadhar" | b"uidai" => AADHAAR,
        b"cpf" => CPF,
        b"dni" | b"nie" | b"nif" => DNI,
        b"bsn" | b"burgerservicenummer" => BSN,
        b"pesel" => PESEL,
        b"ahv" | b"avs" | b"fiscale" | b"codicefiscale" | b"nhs" | b"personnummer" => FORMED,
        b"passport" | b"reisepass" | b"passeport" | b"pasaporte" | b"passportnumber" | b"personalausweis" => {
            DOCUMENT
        }
        b"zip" | b"zipcode" | b"postcode" | b"plz" | b"postleitzahl" => ZIP,
        b"dob" | b"birth" | b"birthdate" | b"birthday" | b"dateofbirth" | b"born" => BIRTH,
        b"email" | b"mail" | b"emails" => EMAIL,
        _ => more_kinds(word),
    }
}

fn more_kinds(word: &[u8]) -> Kinds {
    match word {
        b"ip" | b"ips" | b"ipv" | b"addr" | b"address" | b"host" | b"hosts" | b"client" | b"peer"
        | b"remote" | b"server" | b"gateway" | b"dns" | b"forwarded" | b"listening" | b"connect"
        | b"connection" | b"node" | b"source" | b"subnet" => ADDRESS,
        b"version" | b"versions" | b"ver" | b"firmware" | b"oid" | b"oids" | b"upgraded" | b"upgrade"
        | b"upgrades" | b"upgrading" | b"downgrade" | b"downgraded" | b"semver" | b"fileversion"
        | b"bumped" | b"bump" | b"bumps" => VERSION,
        b"release" | b"build" | b"driver" | b"revision" | b"chrome" | b"kernel" | b"package" | b"pkg"
        | b"section" | b"assembly" | b"plugin" | b"sdk" | b"tag" => RELEASE,
        b"imei" => IMEI,
        b"mac" | b"macaddr" | b"macaddress" | b"hwaddr" | b"bssid" => HARDWARE,
        b"id" | b"ids" | b"order" | b"trace" | b"span" | b"count" | b"ticket" | b"size" | b"bytes"
        | b"duration" | b"took" | b"timeout" | b"epoch" | b"timestamp" | b"ts" | b"port" | b"pid"
        | b"offset" | b"seq" | b"sequence" | b"invoice" | b"snowflake" | b"nonce" | b"counter" | b"model"
        | b"traceid" | b"spanid" | b"orderid" | b"requestid" | b"request" | b"elapsed" | b"millis"
        | b"ms" | b"ns" | b"us" | b"micros" | b"nanos" | b"time" | b"isbn" | b"ean" | b"gtin" | b"upc"
        | b"sku" | b"serial" | b"tracking" | b"shipment" | b"parcel" | b"batch" | b"job" | b"event"
        | b"length" | b"len" | b"block" | b"hash" | b"commit" | b"lat" | b"lon" | b"lng" => OPAQUE,
        b"social" => SOCIAL,
        b"national" => NATIONAL,
        b"account" | b"bank" | b"sort" | b"konto" => HOLDING,
        b"postal" | b"post" => POSTAL,
        b"driver's" | b"drivers" | b"driving" | b"licence" | b"license" => LICENSED,
        b"tax" => TAX,
        _ => 0,
    }
}

/// What a word adds when the word before it is known: "social" then "security".
pub(super) fn paired(last: Kinds, word: &[u8]) -> Kinds {
    let numbered = matches!(word, b"number" | b"no" | b"nr" | b"num");
    match word {
        b"security" if last & SOCIAL != 0 => SSN,
        b"insurance" if last & SOCIAL != 0 => SIN,
        b"insurance" if last & NATIONAL != 0 => NINO,
        b"account" if last & HOLDING != 0 => ACCOUNT,
        b"code" if last & HOLDING != 0 => ACCOUNT,
        b"code" if last & POSTAL != 0 => ZIP,
        b"id" if last & TAX != 0 => SSN | STEUER,
        b"id" if last & NATIONAL != 0 => DOCUMENT,
        b"id" if last & GOVERNMENT != 0 => last & GOVERNMENT,
        b"license" | b"licence" if last & (LICENSED | RELEASE) != 0 => DOCUMENT,
        _ if numbered && last & HOLDING != 0 => ACCOUNT,
        _ if numbered && last & LICENSED != 0 => DOCUMENT,
        _ => 0,
    }
}
