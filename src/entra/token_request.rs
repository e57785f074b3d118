use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{ClientId, Scope};

/// The type of an assertion that is a JWT (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The unreserved characters of RFC 3986 section 2.3, which need no encoding in a form.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The form of a token request with a federated credential: Microsoft Learn, "OAuth 2.0 client credentials flow on the
/// Microsoft identity platform", third case. It contains the assertion, which is a secret.
pub(crate) fn token_request(scope: &Scope, client: &ClientId, assertion: &str) -> String {
    let fields = [
        ("scope", scope.as_str()),
        ("client_id", client.as_str()),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
        ("grant_type", "client_credentials"),
    ];
    let mut form = String::with_capacity(assertion.len() + 300);
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        form.extend(utf8_percent_encode(value, ENCODED));
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_the_five_documented_fields() {
        let scope = "https://vault.azure.net/.default".parse().unwrap();
        let client = "11111111-aaaa-4bbb-8ccc-000000000001".parse().unwrap();
        assert_eq!(
            token_request(&scope, &client, "a.b-c_d&e=f+g"),
            "scope=https%3A%2F%2Fvault.azure.net%2F.default&client_id=11111111-aaaa-4bbb-8ccc-000000000001&\
             client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&\
             client_assertion=a.b-c_d%26e%3Df%2Bg&grant_type=client_credentials"
        );
    }
}
