//! Messages of the PostgreSQL frontend/backend protocol 3.0 (PostgreSQL documentation, "Message Formats").

use std::io::{Error, ErrorKind, Read, Result, Write};

/// The longest packet that starts a connection (`MAX_STARTUP_PACKET_LENGTH` in libpq/pqcomm.h).
const START_MAX: usize = 10_000;
/// The longest password message (`PG_MAX_AUTH_TOKEN_LENGTH` in libpq/auth.h).
const PASSWORD_MAX: usize = 65_535;

const SSL_REQUEST: i32 = 80_877_103;
const GSS_ENCRYPTION_REQUEST: i32 = 80_877_104;
const CANCEL_REQUEST: i32 = 80_877_102;

/// The first packet of a connection. It has no type byte.
#[derive(Debug)]
pub(crate) enum Start {
    Tls,
    GssEncryption,
    /// `CancelRequest`, with all its bytes.
    Cancel(Vec<u8>),
    Session(StartupMessage),
}

#[derive(Debug)]
pub(crate) struct StartupMessage {
    parameters: Vec<(String, String)>,
    /// The message as it was received.
    pub(crate) bytes: Vec<u8>,
}

impl Start {
    pub(crate) fn read(stream: &mut impl Read) -> Result<Self> {
        let length = read_int(stream)?;
        let rest = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
        let rest = rest.filter(|rest| (4..START_MAX).contains(rest)).ok_or(ErrorKind::InvalidData)?;
        let mut body = vec![0; rest];
        stream.read_exact(&mut body)?;
        let bytes = [length.to_be_bytes().as_slice(), &body].concat();
        match i32::from_be_bytes(body[..4].try_into().unwrap()) {
            SSL_REQUEST => Ok(Self::Tls),
            GSS_ENCRYPTION_REQUEST => Ok(Self::GssEncryption),
            CANCEL_REQUEST => Ok(Self::Cancel(bytes)),
            version if version >> 16 == 3 => {
                let mut texts = strings(&body[4..]).into_iter();
                let pair = || texts.next().filter(|name| !name.is_empty()).zip(texts.next());
                let parameters = std::iter::from_fn(pair).collect();
                Ok(Self::Session(StartupMessage { parameters, bytes }))
            }
            version => Err(Error::new(ErrorKind::InvalidData, format!("protocol version {version}"))),
        }
    }
}

impl StartupMessage {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A `StartupMessage` for a user and a database.
pub(crate) fn startup(user: &str, database: &str) -> Vec<u8> {
    let body: Vec<u8> = ["user", user, "database", database, ""].iter().flat_map(|text| string(text)).collect();
    [&(body.len() as u32 + 8).to_be_bytes()[..], &(3i32 << 16).to_be_bytes(), &body].concat()
}

/// A message with its type byte.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// Reads a `PasswordMessage`; `None` if the client closed the connection in its place.
    pub(crate) fn read_password(stream: &mut impl Read) -> Result<Option<String>> {
        match Self::read(stream, PASSWORD_MAX) {
            Ok(message) if message.kind == b'p' => Ok(strings(&message.body).into_iter().next()),
            Ok(message) => Err(Error::new(ErrorKind::InvalidData, format!("message {}", message.kind))),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn read(stream: &mut impl Read, longest: usize) -> Result<Self> {
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        let length = usize::try_from(read_int(stream)?).ok().and_then(|length| length.checked_sub(4));
        let mut body = vec![0; length.filter(|length| *length <= longest).ok_or(ErrorKind::InvalidData)?];
        stream.read_exact(&mut body)?;
        Ok(Self { kind: kind[0], body })
    }

    pub(crate) fn write(&self, stream: &mut impl Write) -> Result<()> {
        let length = (self.body.len() as u32 + 4).to_be_bytes();
        stream.write_all(&[&[self.kind][..], &length, &self.body].concat())
    }

    /// `AuthenticationCleartextPassword`.
    pub(crate) fn password_request() -> Self {
        Self { kind: b'R', body: 3i32.to_be_bytes().to_vec() }
    }

    /// A simple query.
    pub(crate) fn query(sql: &str) -> Self {
        Self { kind: b'Q', body: string(sql) }
    }

    /// The columns of a `DataRow`; a null value is empty.
    pub(crate) fn columns(&self) -> Vec<String> {
        let mut rest = &self.body[2..];
        let mut columns = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (value, next) = after.split_at(usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0));
            columns.push(String::from_utf8_lossy(value).into_owned());
            rest = next;
        }
        columns
    }
}

/// An error that ends a connection ("Error and Notice Message Fields").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fatal {
    pub(crate) sqlstate: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<&'static str>,
}

impl Fatal {
    /// An `ErrorResponse`.
    pub(crate) fn to_message(&self) -> Message {
        let fields = [('S', "FATAL"), ('V', "FATAL"), ('C', self.sqlstate), ('M', &self.message)];
        let fields = fields.into_iter().chain(self.hint.map(|hint| ('H', hint)));
        let mut body: Vec<u8> =
            fields.flat_map(|(field, value)| [&[field as u8][..], &string(value)].concat()).collect();
        body.push(0);
        Message { kind: b'E', body }
    }
}

fn read_int(stream: &mut impl Read) -> Result<i32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(i32::from_be_bytes(bytes))
}

/// A string that ends with a zero byte.
fn string(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

/// All strings that end with a zero byte.
fn strings(bytes: &[u8]) -> Vec<String> {
    let mut parts: Vec<_> = bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into()).collect();
    parts.pop();
    parts
}
