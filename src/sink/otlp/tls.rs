//! How the two ends of a connection come to trust each other.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};

/// A file in PEM, and the setting that named it.
#[derive(Debug, Clone)]
pub(super) struct Pem {
    /// A variable, or a setting of the builder.
    pub(super) place: String,
    pub(super) path: PathBuf,
}

/// The certificates of a connection by TLS, as files in PEM.
#[derive(Debug, Clone, Default)]
pub(super) struct Certificates {
    /// Whom to trust, instead of whom the system trusts.
    pub(super) trusted: Option<Pem>,
    /// Who we are.
    pub(super) ours: Option<Pem>,
    pub(super) key: Option<Pem>,
}

/// # Errors
///
/// `Config` or `Io` where a file cannot be read, or holds nothing of what it should.
pub(super) fn config(certificates: &Certificates) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::config("TLS cannot be set up").because(error))?;
    let config = config.with_root_certificates(roots(certificates.trusted.as_ref())?);
    let (Some(ours), Some(key)) = (&certificates.ours, &certificates.key) else {
        return Ok(config.with_no_client_auth());
    };
    let chain = ours.chain()?;
    let key_of = PrivateKeyDer::from_pem_slice(&key.read()?)
        .map_err(|error| key.wrong("holds no private key in PEM: name the key's file", error))?;
    config.with_client_auth_cert(chain, key_of).map_err(|error| {
        let why = format!(
            "does not fit the key `{}` ({}): name the files of one pair",
            key.path.display(),
            key.place
        );
        ours.wrong(&why, error)
    })
}

impl Pem {
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        fs::read(&self.path).map_err(|error| {
            let what = format!("{}: could not read the file of certificates or keys", self.place);
            Error::io(what, &self.path, error)
        })
    }

    fn wrong(&self, why: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::config(format!("{}: `{}` {why}", self.place, self.path.display())).because(error)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>> {
        let why = "holds no certificates in PEM: name a file of them";
        let pem = self.read()?;
        let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(self.wrong(why, "there is none in it")),
            Err(error) => Err(self.wrong(why, error)),
        }
    }
}

fn roots(trusted: Option<&Pem>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    let Some(pem) = trusted else {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            return Err(Error::config(
                "the system has no certificates that it trusts: name a file of them by OTEL_EXPORTER_OTLP_CERTIFICATE",
            ));
        }
        return Ok(store);
    };
    for certificate in pem.chain()? {
        store.add(certificate).map_err(|error| {
            pem.wrong(
                "holds a certificate that cannot be trusted: name one of an authority",
                error,
            )
        })?;
    }
    Ok(store)
}

/// Whether TLS is what went wrong.
pub(super) fn is_mistrust(error: &(dyn std::error::Error + 'static)) -> bool {
    let is_tls = |error: &(dyn std::error::Error + 'static)| {
        let io = error.downcast_ref::<std::io::Error>();
        error.is::<rustls::Error>()
            || io
                .and_then(std::io::Error::get_ref)
                .is_some_and(|inner| inner.is::<rustls::Error>())
    };
    causes(error).any(is_tls)
}

/// An error with its causes; they repeat each other less than they leave out.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source()).take(8)
}

#[cfg(test)]
mod tests {
    use super::super::OtlpSink;
    use super::super::builder::{OtlpBuilder, Protocol};

    const PROTOCOLS: [Protocol; 1 + cfg!(feature = "otlp-grpc") as usize] = [
        Protocol::HttpProtobuf,
        #[cfg(feature = "otlp-grpc")]
        Protocol::Grpc,
    ];

    fn error(builder: OtlpBuilder, set: &[(&str, &String)]) -> String {
        let set = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str().into())
        };
        builder.build_with(set).unwrap_err().to_string()
    }

    #[test]
    fn an_error_of_a_file_names_the_setting_that_named_the_file() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str, content: &str| {
            let path = place.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::KeyPair::generate().unwrap();
        let good = path("good.pem", &signed.cert.pem());
        let (key, others) = (
            path("good.key", &signed.signing_key.serialize_pem()),
            path("other.key", &other.serialize_pem()),
        );
        let (empty, gone) = (path("empty.pem", ""), "/no/such/file".to_owned());
        let (ours, own_key) = (
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
        );
        for protocol in PROTOCOLS {
            let builder = || OtlpSink::builder().endpoint("https://c").protocol(protocol);
            let trusting = || builder().certificate(&good);
            for (error, names) in [
                (
                    error(builder().certificate(&gone), &[]),
                    ["certificate: ", &*gone],
                ),
                (error(builder().certificate(&key), &[]), ["certificate: ", &*key]),
                (
                    error(builder(), &[("OTEL_EXPORTER_OTLP_CERTIFICATE", &empty)]),
                    ["OTEL_EXPORTER_OTLP_CERTIFICATE: ", &*empty],
                ),
                (
                    error(trusting(), &[(ours, &gone), (own_key, &key)]),
                    ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: ", &*gone],
                ),
                (
                    error(trusting(), &[(ours, &good), (own_key, &empty)]),
                    ["OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY: ", &*empty],
                ),
                (
                    error(trusting(), &[(ours, &good), (own_key, &others)]),
                    ["(OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY)", &*others],
                ),
                (
                    error(trusting().client_certificate(&good, &gone), &[]),
                    ["the key of client_certificate: ", &*gone],
                ),
            ] {
                assert!(
                    names.iter().all(|name| error.contains(name)),
                    "{names:?}: {error}"
                );
            }
        }
    }
}
