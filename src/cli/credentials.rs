use std::path::{Path, PathBuf};

use clap::Args;
use issuer::{CredentialError, Error, FederatedCredential};

use super::{
    Exit, Failure, Output,
    azure_args::{AzureArgs, Requests},
    inputs::{self, is_stdin, name},
};

/// The longest file of credentials that is read, in bytes. A Terraform state may be large.
const FILE_MAX: usize = 16 << 20;

/// The flag that names federated identity credentials.
#[derive(Debug, Args)]
pub(super) struct CredentialInputs {
    /// Check this federated identity credential (repeatable)
    ///
    /// A file, - for standard input, or issuer=URL,subject=SUBJECT,audience=AUDIENCE. Files are the output of
    /// issuer federate list -o json, of az identity federated-credential list or show, of az ad app federated-credential
    /// list or show, or of terraform show -json, responses of Azure Resource Manager and Microsoft Graph, and ARM
    /// templates. An empty list means that the identity has no credential.
    #[arg(long, value_name = "FILE|VALUES")]
    credential: Vec<String>,
}

/// Given credentials and their source.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) list: Vec<FederatedCredential>,
    /// The files, for messages.
    pub(super) from: String,
}

impl CredentialInputs {
    /// Reads all credentials, also those of an identity in Azure; `None` if none are given.
    pub(super) fn read(
        &self,
        azure: &AzureArgs,
        requests: &Requests,
        output: &mut Output,
    ) -> Result<Option<Credentials>, Failure> {
        let files = self.read_files(output)?;
        let Some((stored, name)) = azure.read_credentials(requests, output)? else { return Ok(files) };
        Ok(Some(match files {
            Some(Credentials { mut list, from }) => {
                list.extend(stored);
                Credentials { list, from: format!("{from} and {name}") }
            }
            None => Credentials { list: stored, from: name },
        }))
    }

    /// Reads the credentials of the flag; `None` if none are given.
    pub(super) fn read_files(&self, output: &mut Output) -> Result<Option<Credentials>, Failure> {
        if self.credential.is_empty() {
            return Ok(None);
        }
        let (mut list, mut from) = (Vec::new(), Vec::new());
        for text in &self.credential {
            if is_values(text) {
                let credential = text.parse().map_err(|error: CredentialError| Failure {
                    exit: Exit::Usage,
                    ..of("--credential".to_owned(), error)
                })?;
                list.push(credential);
                from.push("the command line".to_owned());
                continue;
            }
            let path = Path::new(text);
            if is_stdin(path) {
                output.waits_for_stdin();
            }
            let bytes = inputs::read(path, FILE_MAX)?;
            if bytes.len() > FILE_MAX {
                let message =
                    format!("cannot read credentials from {}: it is longer than {FILE_MAX} bytes", name(path));
                return Err(Failure::new(Exit::Incomplete, message, None));
            }
            list.extend(FederatedCredential::read(&bytes).map_err(|error| of(name(path), error))?);
            from.push(name(path));
        }
        from.dedup();
        Ok(Some(Credentials { list, from: from.join(" and ") }))
    }

    /// The inputs that are standard input.
    pub(super) fn stdin(&self) -> impl Iterator<Item = PathBuf> {
        self.credential.iter().map(PathBuf::from).filter(|path| is_stdin(path))
    }
}

/// Whether a value of the flag is a credential, not a file.
fn is_values(text: &str) -> bool {
    ["issuer=", "subject=", "audience="].iter().any(|name| text.starts_with(name))
}

fn of(input: String, source: CredentialError) -> Failure {
    Failure::from(Error::Credential { input, source })
}
