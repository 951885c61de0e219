//! The environment variables of the OpenTelemetry specification, with its precedence: the one of the signal before the
//! general one, and an empty one counts as not set.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::builder::{Compression, Protocol};
use super::headers::Headers;
use super::tls::{Certificates, Pem};
use super::url::Url;
use crate::error::{Error, Result};

/// A process's environment, or a test's.
pub(super) struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
}

/// A variable's name and its value.
type Said = (String, String);

impl<'a> Environment<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { lookup }
    }

    /// A variable that is set, and not empty.
    pub(super) fn get(&self, name: &str) -> Result<Option<Said>> {
        let Some(value) = (self.lookup)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        match value.into_string() {
            Ok(value) => {
                Ok(Some((name.to_owned(), value.trim().to_owned())).filter(|(_, value)| !value.is_empty()))
            }
            Err(_) => Err(Error::config(format!(
                "{name} is not UTF-8; set it to plain text, or unset it"
            ))),
        }
    }

    /// The signal's variable, or else the general one.
    fn logs(&self, rest: &str) -> Result<Option<Said>> {
        match self.get(&format!("OTEL_EXPORTER_OTLP_LOGS_{rest}"))? {
            Some(said) => Ok(Some(said)),
            None => self.get(&format!("OTEL_EXPORTER_OTLP_{rest}")),
        }
    }

    pub(super) fn protocol(&self) -> Result<Option<Protocol>> {
        let Some((variable, value)) = self.logs("PROTOCOL")? else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "http/protobuf" => Ok(Some(Protocol::HttpProtobuf)),
            "grpc" => Ok(Some(Protocol::Grpc)),
            _ => Err(Error::config(format!(
                "{variable}: `{value}` is not spoken here; set http/protobuf or grpc"
            ))),
        }
    }

    /// Where the collector is. The signal's endpoint is used as it is; the general one is the base of the signal's path.
    pub(super) fn endpoint(&self, protocol: Protocol) -> Result<Url> {
        let is_http = protocol == Protocol::HttpProtobuf;
        if let Some((variable, value)) = self.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")? {
            return Url::parse(&variable, &self.with_scheme(value, protocol)?);
        }
        if let Some((variable, value)) = self.get("OTEL_EXPORTER_OTLP_ENDPOINT")? {
            let url = Url::parse(&variable, &self.with_scheme(value, protocol)?)?;
            return Ok(if is_http { url.below("/v1/logs") } else { url });
        }
        let text = if is_http {
            "http://localhost:4318/v1/logs"
        } else {
            "http://localhost:4317"
        };
        Url::parse("the default endpoint", text)
    }

    /// Over gRPC an endpoint may have no scheme; `…_INSECURE` then says which one is meant, and `https` is.
    fn with_scheme(&self, value: String, protocol: Protocol) -> Result<String> {
        if protocol != Protocol::Grpc || value.contains("://") {
            return Ok(value);
        }
        let scheme = if self.is_insecure()? { "http" } else { "https" };
        Ok(format!("{scheme}://{value}"))
    }

    fn is_insecure(&self) -> Result<bool> {
        let Some((variable, value)) = self.logs("INSECURE")? else {
            return Ok(false);
        };
        match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Error::config(format!(
                "{variable}: `{value}` is neither true nor false; set true for an endpoint without TLS"
            ))),
        }
    }

    pub(super) fn compression(&self) -> Result<Option<Compression>> {
        let Some((variable, value)) = self.logs("COMPRESSION")? else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "gzip" => Ok(Some(Compression::Gzip)),
            "none" => Ok(Some(Compression::None)),
            _ => Err(Error::config(format!(
                "{variable}: `{value}` is not a compression that every collector knows; set gzip or none"
            ))),
        }
    }

    pub(super) fn timeout(&self) -> Result<Option<Duration>> {
        let Some((variable, value)) = self.logs("TIMEOUT")? else {
            return Ok(None);
        };
        let millis = value.parse().ok().filter(|millis| *millis > 0);
        millis
            .map(|millis| Some(Duration::from_millis(millis)))
            .ok_or_else(|| {
                Error::config(format!(
                    "{variable}: `{value}` is not a number of milliseconds from 1; set 10000 for ten seconds"
                ))
            })
    }

    /// Adds the headers that are not set yet.
    pub(super) fn headers(&self, headers: &mut Headers) -> Result<()> {
        match self.logs("HEADERS")? {
            Some((variable, text)) => headers.fill_from(&variable, &text),
            None => Ok(()),
        }
    }

    /// Adds the files that are not set yet.
    pub(super) fn certificates(&self, certificates: &mut Certificates) -> Result<()> {
        let pem = |(place, path)| Pem {
            place,
            path: PathBuf::from(path),
        };
        let file = |rest| Ok::<_, Error>(self.logs(rest)?.map(pem));
        if certificates.trusted.is_none() {
            certificates.trusted = file("CERTIFICATE")?;
        }
        if certificates.ours.is_none() && certificates.key.is_none() {
            certificates.ours = file("CLIENT_CERTIFICATE")?;
            certificates.key = file("CLIENT_KEY")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::OtlpSink;
    use super::*;

    fn with<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        }
    }

    fn endpoint(set: &[(&str, &str)]) -> String {
        OtlpSink::builder()
            .build_with(with(set))
            .unwrap()
            .endpoint()
            .to_owned()
    }

    const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const LOGS: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";

    #[test]
    fn the_general_endpoint_is_a_base_and_the_one_for_logs_is_used_as_it_is() {
        assert_eq!(endpoint(&[]), "http://localhost:4318/v1/logs");
        assert_eq!(endpoint(&[(BASE, "http://c:1")]), "http://c:1/v1/logs");
        assert_eq!(
            endpoint(&[(BASE, "http://c:1/tenant/")]),
            "http://c:1/tenant/v1/logs"
        );
        assert_eq!(
            endpoint(&[(BASE, "http://c:1"), (LOGS, "http://d:2/v1/audit")]),
            "http://d:2/v1/audit"
        );
        assert_eq!(
            endpoint(&[(BASE, "http://c:1"), (LOGS, "")]),
            "http://c:1/v1/logs"
        );
        let set = [(BASE, "http://c:1"), (LOGS, "http://d:2")];
        let built = |url: &str| {
            OtlpSink::builder()
                .endpoint(url)
                .build_with(with(&set))
                .unwrap()
                .endpoint()
                .to_owned()
        };
        assert_eq!(built("http://e:3"), "http://e:3/v1/logs");
        assert_eq!(built("http://e:3/v1/audit"), "http://e:3/v1/audit");
    }

    #[test]
    fn a_variable_for_logs_precedes_the_general_one_and_the_builder_precedes_both() {
        let set = [
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
            ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "2000"),
            // In any case, as the standard wants it.
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "None"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/Protobuf"),
        ];
        let environment = with(&set);
        let environment = Environment::new(&environment);
        assert_eq!(environment.timeout().unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(environment.compression().unwrap(), Some(Compression::None));
        assert_eq!(environment.protocol().unwrap(), Some(Protocol::HttpProtobuf));
        let wrong = [("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")];
        let builder = OtlpSink::builder().timeout(Duration::from_secs(3));
        builder
            .build_with(with(&wrong))
            .expect("what the builder says is not asked of the environment");
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_variable_value_and_remedy() {
        for (name, value, remedy) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "udp", "grpc"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "10000"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "from 1"),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "collector:4318",
                "http://host:4318",
            ),
            ("OTEL_RESOURCE_ATTRIBUTES", "team", "name=value"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file", "/no/such/file"),
        ] {
            let set = [(name, value), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "")];
            let tls = [(name, value), (LOGS, "https://c")];
            let set: &[_] = if name.ends_with("CERTIFICATE") { &tls } else { &set };
            let error = OtlpSink::builder().build_with(with(set)).unwrap_err().to_string();
            assert!(
                error.contains(name) && error.contains(value) && error.contains(remedy),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn whether_an_endpoint_without_a_scheme_has_tls_is_said_by_true_or_false_and_by_nothing_else() {
        const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";
        let asked = |said: &str| {
            let set = [(BASE, "collector:4317"), (INSECURE, said)];
            let url = Environment::new(&with(&set)).endpoint(Protocol::Grpc);
            url.map(|url| url.to_string())
        };
        for (said, wanted) in [("True", "http:"), ("false", "https:"), ("", "https:")] {
            let url = asked(said).unwrap();
            assert!(url.starts_with(wanted), "{said}: {url}");
        }
        let error = asked("maybe").unwrap_err().to_string();
        assert!(
            error.contains(INSECURE) && error.contains("maybe") && error.contains("set true"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_header_is_named_and_its_value_is_not_repeated() {
        let secret = ["open", "sesame"].concat();
        for text in [
            format!("a b={secret}"),
            format!("x={secret}%0d%0a"),
            format!("={secret}"),
            format!("host={secret}"),
        ] {
            let set = [("OTEL_EXPORTER_OTLP_HEADERS", text.as_str())];
            let error = OtlpSink::builder()
                .build_with(with(&set))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("OTEL_EXPORTER_OTLP_HEADERS") && !error.contains(&secret),
                "{error}"
            );
        }
        let sink = OtlpSink::builder()
            .header("authorization", &secret)
            .build_with(|_| None)
            .unwrap();
        assert!(!format!("{sink:?}").contains(&secret));
    }
}
