//! The hostile inputs, as `fixtures/hostile` keeps them.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use issuer::{Expectations, Refusal};
use serde_json::{Map, Value};

use super::{
    fixtures,
    http::{read_path, response},
};

pub(crate) const ISSUER: &str = "https://issuer.example.com";
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";
const JSON: &str = "Content-Type: application/json";

/// The verdict on a case: accepted, or the check, the message and the code of the refusal.
pub(crate) type Verdict = Result<(), (String, String, Option<u64>)>;

/// One hostile input, from one file.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) members: Map<String, Value>,
}

/// Every case of a folder, by name.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let entries = std::fs::read_dir(fixtures().join("hostile").join(folder)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
        let members = serde_json::from_slice(&std::fs::read(path).unwrap());
        Case { members: members.unwrap_or_else(|error| panic!("{name}: {error}")), name }
    };
    paths.iter().map(read).collect()
}

/// The text of a good token.
pub(crate) fn good_token(algorithm: &str) -> String {
    let case = cases("tokens").into_iter().find(|case| case.name == format!("tokens/good-{algorithm}.json"));
    case.unwrap().text("token").unwrap().to_owned()
}

/// The good key set.
pub(crate) fn good_set() -> Vec<u8> {
    std::fs::read(fixtures().join("hostile/jwks.json")).unwrap()
}

impl Case {
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member)?.as_str()
    }

    pub(crate) fn is_for_oidc(&self) -> bool {
        self.text("for") == Some("oidc")
    }

    pub(crate) fn expectations(&self) -> Expectations {
        if self.is_for_oidc() { Expectations::oidc().audience(AUDIENCE) } else { Expectations::entra() }
    }

    /// The token of the case, of arbitrary bytes; a good one where another part is hostile.
    pub(crate) fn token(&self) -> Vec<u8> {
        if let Some(text) = self.text("token") {
            return text.as_bytes().to_vec();
        }
        if let Some(text) = self.text("token_base64") {
            return BASE64_STANDARD.decode(text).unwrap();
        }
        if let Some(repeat) = self.members.get("repeat") {
            let text = |name: &str| repeat[name].as_str().unwrap().to_owned();
            let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
            return (text("prefix") + &text("unit").repeat(times) + &text("suffix")).into_bytes();
        }
        good_token(if self.is_for_oidc() { "es256" } else { "rs256" }).into_bytes()
    }

    /// The served key set; the good one where another part is hostile.
    pub(crate) fn key_set(&self) -> Vec<u8> {
        match (self.text("jwks_text"), self.members.get("jwks")) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(value)) => value.to_string().into_bytes(),
            (None, None) => good_set(),
        }
    }

    /// The expected verdict.
    pub(crate) fn expected(&self) -> Verdict {
        verdict(&self.members).unwrap_or_else(|| panic!("{} has no expected verdict", self.name))
    }

    /// The expected verdict on the command line, which removes a newline at the end of the file.
    pub(crate) fn expected_of_command(&self) -> Verdict {
        self.members
            .get("command")
            .and_then(Value::as_object)
            .map_or_else(|| self.expected(), |it| verdict(it).unwrap())
    }
}

fn verdict(members: &Map<String, Value>) -> Option<Verdict> {
    let because = members.get("because").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    match (members.get("refused"), members.get("accepted").and_then(Value::as_bool)) {
        (Some(refused), None) => {
            let text = |name: &str| refused[name].as_str().map(str::to_owned);
            Some(Err((text("check")?, text("says")?, refused.get("aadsts")?.as_u64())))
        }
        (None, Some(true)) if because => Some(Ok(())),
        _ => None,
    }
}

/// A verdict in the form that the files use.
pub(crate) fn seen(refusal: Option<&Refusal>) -> Verdict {
    refusal.map_or(Ok(()), |refusal| {
        let code = refusal.aadsts().map(|aadsts| u64::from(aadsts.code()));
        Err((refusal.check().to_string(), refusal.to_string(), code))
    })
}

/// Starts the server of a case on a free port. It is hostile where the JWKS is requested.
pub(crate) fn serve(case: Case) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let path = read_path(&mut stream);
            // A client may close the connection early.
            let _ = match path.as_str() {
                "/.well-known/openid-configuration" => stream.write_all(&discovery()),
                path => answer(&case, &own, path, &mut stream),
            };
        }
    });
    url
}

/// The answer with a good discovery document.
pub(crate) fn discovery() -> Vec<u8> {
    let document = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{ISSUER}/openid/v1/jwks"}}"#);
    response("200 OK", &[JSON], document.as_bytes())
}

fn answer(case: &Case, url: &str, path: &str, stream: &mut TcpStream) -> std::io::Result<()> {
    let redirect = |to: &str| response("302 Found", &[&format!("Location: {to}")], b"");
    let number = |name: &str| usize::try_from(case.members[name].as_u64().unwrap()).unwrap();
    let keys = response("200 OK", &[JSON], &case.key_set());
    match case.text("server").unwrap() {
        "body" => {
            let headers = case.members.get("headers").and_then(Value::as_array);
            let headers: Vec<_> = headers.map_or(vec![JSON], |list| list.iter().filter_map(Value::as_str).collect());
            let body =
                case.text("body_base64").map_or_else(|| case.key_set(), |it| BASE64_STANDARD.decode(it).unwrap());
            stream.write_all(&response(case.text("status").unwrap_or("200 OK"), &headers, &body))
        }
        "redirect" => stream.write_all(&redirect(&case.text("to").unwrap().replace("{url}", url))),
        "redirect-chain" => {
            let hop = path.strip_prefix("/hop/").map_or(0, |hop| hop.parse().unwrap());
            let next = redirect(&format!("/hop/{}", hop + 1));
            stream.write_all(if hop == number("redirects") { &keys } else { &next })
        }
        "long-body" => stream.write_all(&response("200 OK", &[JSON], &vec![b' '; number("bytes")])),
        "cut-short" => stream.write_all(&keys[..keys.len() - 10]),
        "hang-up" => Ok(()),
        "not-http" => stream.write_all(b"220 mail.example.com ESMTP\r\n\r\n"),
        "endless-body" => endless(stream, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", &[b' '; 4096]),
        "endless-head" => endless(stream, b"HTTP/1.1 200 OK\r\n", b"X-Again: and again\r\n"),
        other => panic!("{} has the unknown server {other:?}", case.name),
    }
}

/// Writes until the client closes the connection.
fn endless(stream: &mut TcpStream, start: &[u8], again: &[u8]) -> std::io::Result<()> {
    stream.write_all(start)?;
    loop {
        stream.write_all(again)?;
    }
}
