//! A small client of the Blob service's REST API, written from its documentation and independent of the crate.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{
    azurite::Account,
    message::{Message, send},
};

const VERSION: &str = "2022-11-02";

/// Encodes all but the unreserved characters of RFC 3986 and the two characters `/` and `$` of paths.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'$');

/// A blob with its content and its properties.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) etag: String,
}

impl Blob {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Account {
    pub(crate) fn get_blob(&self, container: &str, name: &str) -> Option<Blob> {
        let answer = self.call("GET", &path(container, name), "", &[], b"");
        let etag = answer.header("etag").map(str::to_owned);
        expect(&answer, &[200, 404]).then(|| Blob { body: answer.body, headers: answer.headers, etag: etag.unwrap() })
    }

    /// Writes a block blob and returns its `ETag`. Overwrites an existing blob, unless a condition header prevents it.
    pub(crate) fn put_blob(&self, container: &str, name: &str, body: &[u8], headers: &[(&str, &str)]) -> String {
        let headers = [&[("x-ms-blob-type", "BlockBlob")], headers].concat();
        let answer = self.call("PUT", &path(container, name), "", &headers, body);
        expect(&answer, &[201]);
        answer.header("etag").unwrap().to_owned()
    }

    /// Deletes a blob; returns whether it existed.
    pub(crate) fn delete_blob(&self, container: &str, name: &str) -> bool {
        expect(&self.call("DELETE", &path(container, name), "", &[], b""), &[202, 404])
    }

    /// The names of all blobs; empty if the container does not exist.
    pub(crate) fn list_blobs(&self, container: &str) -> Vec<String> {
        let (mut names, mut query) = (Vec::new(), "restype=container&comp=list".to_owned());
        loop {
            let answer = self.call("GET", &format!("/{container}"), &query, &[], b"");
            if !expect(&answer, &[200, 404]) {
                return names;
            }
            let xml = answer.text();
            names.extend(elements(&xml, "Name"));
            match elements(&xml, "NextMarker").pop().filter(|marker| !marker.is_empty()) {
                Some(marker) => {
                    let marker = utf8_percent_encode(&marker, NON_ALPHANUMERIC);
                    query = format!("restype=container&comp=list&marker={marker}");
                }
                None => return names,
            }
        }
    }

    /// Creates a container; returns whether it is new.
    pub(crate) fn create_container(&self, container: &str) -> bool {
        expect(&self.call("PUT", &format!("/{container}"), "restype=container", &[], b""), &[201, 409])
    }

    pub(crate) fn container_exists(&self, container: &str) -> bool {
        expect(&self.call("HEAD", &format!("/{container}"), "restype=container", &[], b""), &[200, 404])
    }

    /// The properties of the Blob service, in XML.
    pub(crate) fn get_properties(&self) -> String {
        let answer = self.call("GET", "/", "restype=service&comp=properties", &[], b"");
        expect(&answer, &[200]);
        answer.text()
    }

    /// Sets the properties of the Blob service that the XML contains.
    pub(crate) fn set_properties(&self, xml: &str) {
        let headers = [("Content-Type", "application/xml")];
        let answer = self.call("PUT", "/", "restype=service&comp=properties", &headers, xml.as_bytes());
        expect(&answer, &[202]);
    }

    /// Sends a request with Shared Key authorization. `path` is relative to the account and already encoded.
    pub(crate) fn call(&self, method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Message {
        let address = self.endpoint.strip_prefix("http://").expect("this client has no TLS").split('/').next().unwrap();
        let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let headers = [&[("x-ms-date", date.as_str()), ("x-ms-version", VERSION)], headers].concat();
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
        let path = format!("/{}{path}", self.name);
        let text = string_to_sign(&self.name, method, &path, query, &headers, body.len());
        headers.push(("authorization".to_owned(), format!("SharedKey {}:{}", self.name, self.sign(&text))));
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        send(address, method, &target, &headers, body)
    }

    /// An account SAS for the Blob service, as a query: `types` of `sco`, valid for this number of minutes from now.
    pub(crate) fn account_sas(&self, permissions: &str, types: &str, minutes: i64) -> String {
        let expiry = (Timestamp::now() + SignedDuration::from_mins(minutes)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let protocol = "https,http";
        // Start, address and encryption scope are empty.
        let fields = [&self.name, permissions, "b", types, "", &expiry, "", protocol, VERSION, "", ""];
        let signature = self.sign(&fields.join("\n"));
        let [expiry, protocol, signature] =
            [&expiry, protocol, &signature].map(|value| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string());
        format!("sv={VERSION}&ss=b&srt={types}&sp={permissions}&se={expiry}&spr={protocol}&sig={signature}")
    }

    fn sign(&self, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(&self.key).unwrap());
        BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()))
    }
}

/// The string-to-sign of Shared Key authorization since version 2015-02-21. Header names are in lower case.
fn string_to_sign(
    account: &str,
    method: &str,
    path: &str,
    query: &str,
    headers: &[(String, String)],
    length: usize,
) -> String {
    let standard = |name: &str| headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value);
    let length = if length == 0 { String::new() } else { length.to_string() };
    let before = [method, standard("content-encoding"), standard("content-language"), &length];
    let after = [
        "content-md5",
        "content-type",
        "date",
        "if-modified-since",
        "if-match",
        "if-none-match",
        "if-unmodified-since",
        "range",
    ];
    let mut lines: Vec<_> = before.into_iter().chain(after.map(standard)).map(str::to_owned).collect();
    let own = headers.iter().filter(|(name, _)| name.starts_with("x-ms-"));
    let mut own: Vec<_> = own.map(|(name, value)| format!("{name}:{}", value.trim())).collect();
    own.sort();
    lines.extend(own);
    // The path of an emulator starts with the account name, too.
    lines.push(format!("/{account}{path}"));
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    let mut parameters: Vec<_> =
        parameters.map(|(name, value)| format!("{}:{}", decode(name).to_lowercase(), decode(value))).collect();
    parameters.sort();
    lines.extend(parameters);
    lines.join("\n")
}

/// Whether the answer is a success. Any status except these fails the test.
fn expect(answer: &Message, statuses: &[u16]) -> bool {
    let status = answer.status();
    assert!(statuses.contains(&status), "{}\n{}", answer.first, String::from_utf8_lossy(&answer.body));
    status < 300
}

fn path(container: &str, name: &str) -> String {
    format!("/{container}/{}", utf8_percent_encode(name, PATH))
}

/// The text of every element of this name that has no attributes.
pub(crate) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let texts = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    texts.map(|text| entities.iter().fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))).collect()
}
