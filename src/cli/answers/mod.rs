//! The parts of JSON answers that several commands share. The text views show the same values.

mod api_server;
mod document;
mod error;
mod key;
mod mismatch;
mod owners;
mod refusal;
mod static_website;
mod warning;

pub(super) use api_server::ApiServer;
pub(super) use document::{Change, Document};
pub(super) use error::{ErrorAnswer, ErrorDetails, Interruption, Service};
pub(super) use key::{Key, KeyType};
pub(super) use mismatch::{Mismatch, MismatchKind};
pub(super) use owners::{has_named, owners_text};
pub(super) use refusal::RefusalAnswer;
pub(super) use static_website::StaticWebsite;
pub(super) use warning::Warning;
