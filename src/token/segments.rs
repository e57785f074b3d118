use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use memchr::memchr_iter;
use serde::Deserialize;

use super::{Claims, Header, OtherInput, TokenError, object::Object};

/// The maximum length of a token in bytes. Tokens of the API server are shorter than 2 KiB.
///
/// The limit bounds the cost of rejecting a token. Most servers limit all headers of a request to about this length.
const TOKEN_MAX: usize = 16 << 10;

/// The three decoded segments of a token.
#[derive(Clone, Copy)]
pub(super) struct Segments<'a> {
    pub(super) signing_input: &'a str,
    pub(super) header: &'a str,
    pub(super) claims: &'a str,
    pub(super) signature: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(super) fn decode(text: &'a str, buffer: &'a mut Vec<u8>) -> Result<Self, TokenError> {
        let (segments, payload) = Self::decode_with_any_payload(text, buffer)?;
        Ok(Self { claims: json("claims", payload)?, ..segments })
    }

    /// The segments without claims, and the payload, which may be any bytes.
    pub(super) fn decode_with_any_payload(
        text: &'a str,
        buffer: &'a mut Vec<u8>,
    ) -> Result<(Self, &'a [u8]), TokenError> {
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.len() > TOKEN_MAX {
            return Err(TokenError::TooLong(text.len()));
        }
        let mut dots = memchr_iter(b'.', text.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(match (OtherInput::recognize(text), memchr_iter(b'.', text.as_bytes()).count() + 1) {
                (Some(other), _) => TokenError::Other(other),
                (None, 5) => TokenError::Encrypted,
                (None, segments) => TokenError::Segments(segments),
            });
        };
        let (header, payload, signature) = (&text[..first], &text[first + 1..second], &text[second + 1..]);
        // The decoder writes groups of three bytes, so each segment may need up to three extra bytes.
        buffer.resize(base64::decoded_len_estimate(text.len()) + 9, 0);
        let decoded = decode("header", header, buffer);
        let (header, rest) = decoded.map_err(|error| OtherInput::recognize(text).map_or(error, TokenError::Other))?;
        let (payload, rest) = decode("claims", payload, rest)?;
        let (signature, _) = decode("signature", signature, rest)?;
        Ok((Self { signing_input: &text[..second], header: json("header", header)?, claims: "", signature }, payload))
    }

    pub(super) fn header(&self) -> Result<Header<'a>, TokenError> {
        read("header", self.header)
    }

    pub(super) fn claims(&self) -> Result<Claims<'a>, TokenError> {
        read("claims", self.claims)
    }
}

/// Decodes a segment to the start of the buffer; returns the decoded bytes and the rest of the buffer.
fn decode<'a>(name: &'static str, segment: &str, room: &'a mut [u8]) -> Result<(&'a [u8], &'a mut [u8]), TokenError> {
    let length = BASE64_URL_SAFE_NO_PAD.decode_slice(segment, room).map_err(|_| TokenError::Base64(name))?;
    let (decoded, rest) = room.split_at_mut(length);
    Ok((decoded, rest))
}

fn json<'a>(name: &'static str, bytes: &'a [u8]) -> Result<&'a str, TokenError> {
    std::str::from_utf8(bytes).map_err(|_| TokenError::Json(name, "it is not UTF-8".to_owned()))
}

/// Reads a JSON object.
pub(super) fn read<'a, T: Deserialize<'a>>(name: &'static str, json: &'a str) -> Result<T, TokenError> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(TokenError::Json(name, "it is not a JSON object".to_owned()));
    }
    let object: Result<Object<T>, _> = serde_json::from_str(json);
    object.map(|object| object.0).map_err(|error| TokenError::Json(name, error.to_string()))
}
