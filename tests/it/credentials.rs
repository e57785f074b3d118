//! Federated identity credentials: the shapes of files, and matching.

use std::{fs, path::Path};

use issuer::{
    Aadsts, Assertion, CheckName, CredentialError, CredentialMismatch, CredentialProblem, Expectations,
    FederatedCredential, Hint, Jwks, NearMiss, Outcome, Refusal, TOKEN_EXCHANGE_AUDIENCE, Verifier, VerifyWarning,
};
use proptest::prelude::*;

const ISSUER: &str = "https://issuers.example.com/prod-1";
const SUBJECT: &str = "system:serviceaccount:shop:orders";

fn credential() -> FederatedCredential {
    FederatedCredential { name: Some("prod-1".to_owned()), ..FederatedCredential::new(ISSUER, SUBJECT) }
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials").join(name)).unwrap()
}

#[test]
fn every_shape_is_read() {
    for name in [
        "az-identity-show.json",
        "az-identity-list.json",
        "az-ad-app-list.json",
        "az-ad-app-show.json",
        "graph-list.json",
        "arm-get.json",
        "arm-list.json",
        "terraform-state.json",
        "terraform-plan.json",
        "arm-template.json",
        "bicep.json",
        "bicep-graph.json",
    ] {
        assert_eq!(FederatedCredential::read(&fixture(name)), Ok(vec![credential()]), "{name}");
    }
    assert_eq!(FederatedCredential::read(&fixture("az-empty-list.json")), Ok(Vec::new()));
    let flexible = FederatedCredential::read(&fixture("graph-flexible.json")).unwrap();
    assert_eq!(flexible[0].subject, None);
    assert_eq!(flexible[0].problems(), [CredentialProblem::Expression(ISSUER.to_owned())]);
}

#[test]
fn list_of_federate_is_read() {
    let list = |credential: serde_json::Value| {
        let answer = serde_json::json!({ "identity": "orders", "used": 1, "limit": 20, "credentials": [credential] });
        FederatedCredential::read(answer.to_string().as_bytes())
    };
    let audience = "api://AzureADTokenExchange";
    let listed = serde_json::json!({ "name": "prod-1", "issuer": ISSUER, "subject": SUBJECT, "audience": audience });
    assert_eq!(list(listed), Ok(vec![credential()]));
    let expression = "claims['sub'] matches '*'";
    let flexible = serde_json::json!({
        "name": "prod-1", "issuer": ISSUER, "subject": null, "expression": expression, "audience": audience,
    });
    let expected = FederatedCredential { subject: None, expression: Some(expression.to_owned()), ..credential() };
    assert_eq!(list(flexible), Ok(vec![expected]));
}

#[test]
fn every_encoding_is_read() {
    let text = String::from_utf8(fixture("az-identity-list.json")).unwrap();
    let units: Vec<u16> = text.encode_utf16().collect();
    let encoded = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
        [mark.to_vec(), units.iter().copied().flat_map(unit).collect()].concat()
    };
    for bytes in [
        [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        encoded(b"\xFF\xFE", u16::to_le_bytes),
        encoded(b"\xFE\xFF", u16::to_be_bytes),
    ] {
        assert_eq!(FederatedCredential::read(&bytes), Ok(vec![credential()]));
    }
}

#[test]
fn other_shapes_are_errors() {
    let member = |member| CredentialError::Member { credential: "\"a\"".to_owned(), member };
    let expression = CredentialError::TemplateExpression { credential: "\"a\"".to_owned(), member: "issuer" };
    for (text, error) in [
        ("", CredentialError::NotJson { line: 1 }),
        ("AZURE_CLIENT_ID: x\n", CredentialError::NotJson { line: 1 }),
        ("1", CredentialError::Shape),
        ("{}", CredentialError::Shape),
        (r#"[{"clientId": "x", "name": "orders"}]"#, CredentialError::Shape),
        (r#"[["issuer"]]"#, CredentialError::Shape),
        (r#"{"name": "a", "issuer": "i", "audiences": []}"#, member("subject")),
        (r#"{"name": "a", "issuer": 1, "subject": "s", "audiences": []}"#, member("issuer")),
        (r#"{"name": "a", "issuer": "i", "subject": "s"}"#, member("audience")),
        (r#"{"name": "a", "issuer": "i", "subject": "s", "audiences": [1]}"#, member("audience")),
        (r#"{"terraform_version": "1.13.0"}"#, CredentialError::NoResource("the output of terraform show")),
        (r#"{"terraform_version": "1.13.0", "lineage": "x", "resources": []}"#, CredentialError::TerraformState),
        (r#"{"resources": []}"#, CredentialError::NoResource("the template")),
        (
            r#"{"resources": [{"type": "x/federatedIdentityCredentials", "name": "a",
                "properties": {"issuer": "[concat('a', 'b')]", "subject": "s", "audiences": ["a"]}}]}"#,
            expression,
        ),
    ] {
        let seen = FederatedCredential::read(text.as_bytes()).unwrap_err();
        assert_eq!(seen, error, "{text}");
        assert!(seen.hint().is_some(), "{text}");
    }
}

#[test]
fn values_on_the_command_line_are_read() {
    let parse = |text: &str| text.parse::<FederatedCredential>();
    let expected = FederatedCredential { name: None, ..credential() };
    let (issuer, subject, audience) =
        (format!("issuer={ISSUER}"), format!("subject={SUBJECT}"), format!("audience={TOKEN_EXCHANGE_AUDIENCE}"));
    assert_eq!(parse(&format!("{issuer},{subject},{audience}")), Ok(expected.clone()));
    assert_eq!(parse(&format!("{audience},{issuer},{subject}")), Ok(expected));
    let with_comma = parse("issuer=a,b=c,subject=s,audience=x,y").unwrap();
    assert_eq!((with_comma.issuer.as_str(), &with_comma.audiences[..]), ("a,b=c", &["x,y".to_owned()][..]));
    for (text, missing) in [
        ("", "issuer"),
        ("issuer=a", "subject"),
        ("issuer=a,subject=b", "audience"),
        ("issuer=,subject=b,audience=c", "issuer"),
        ("x=1,issuer=a,subject=b,audience=c", "issuer"),
    ] {
        assert_eq!(parse(text), Err(CredentialError::Text(missing)), "{text:?}");
    }
}

#[test]
fn a_credential_that_breaks_a_rule_is_named() {
    let with = |change: &dyn Fn(&mut FederatedCredential)| {
        let mut credential = credential();
        change(&mut credential);
        credential.problems().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(with(&|_| ()).is_empty());
    let long = "x".repeat(601);
    for (change, text) in [
        (&(|c: &mut FederatedCredential| c.name = Some("ab".into())) as &dyn Fn(&mut FederatedCredential), "the name"),
        (&|c| c.name = Some("-abc".into()), "the name"),
        (&|c| c.name = Some("a b c".into()), "the name"),
        (&|c| c.name = Some("x".repeat(121)), "the name"),
        (&|c| c.issuer.push(' '), "the issuer starts or ends with white space"),
        (&|c| c.subject = Some("\tx".into()), "the subject starts or ends with white space"),
        (&|c| c.audiences.push("b".into()), "it has 2 audiences"),
        (&|c| c.audiences.clear(), "it has 0 audiences"),
        (&|c| c.subject = Some("system:serviceaccount:shop:*".into()), "the subject contains *"),
        (&|c| c.issuer.clone_from(&long), "the issuer has 601 characters"),
        (&|c| c.expression = Some("x".into()), "it has both a subject and"),
        (&|c| c.subject = None, "it has no subject"),
    ] {
        let problems = with(change);
        assert!(problems.len() == 1 && problems[0].starts_with(text), "{problems:?} instead of {text}");
    }
    assert!(with(&|c| c.issuer = "x".repeat(600)).is_empty());
    assert!(with(&|c| c.name = Some("x".repeat(120))).is_empty());
}

/// Issuer, subject and audience of the token (empty: the default), the code, the near miss, the start of the fix.
type Mismatched = (&'static str, &'static str, &'static str, Aadsts, Option<NearMiss>, &'static str);

#[test]
fn mismatches_have_code_and_near_miss() {
    let cases: [Mismatched; 20] = [
        (
            "https://issuers.example.com/prod-1/",
            SUBJECT,
            "",
            Aadsts::ISSUER,
            Some(NearMiss::TrailingSlash),
            "set the issuer",
        ),
        ("https://issuers.example.com/Prod-1", SUBJECT, "", Aadsts::ISSUER, Some(NearMiss::Case), "set the issuer"),
        (
            "https://issuers.example.com/prod%2D1",
            SUBJECT,
            "",
            Aadsts::ISSUER,
            Some(NearMiss::UrlEncoded),
            "set the issuer",
        ),
        (
            " https://issuers.example.com/prod-1",
            SUBJECT,
            "",
            Aadsts::ISSUER,
            Some(NearMiss::WhiteSpace),
            "set the issuer",
        ),
        (
            "https://issuers.example.com/prod-2",
            SUBJECT,
            "",
            Aadsts::ISSUER,
            Some(NearMiss::OtherCluster),
            "create a federated",
        ),
        ("https://other.example.org", SUBJECT, "", Aadsts::ISSUER, None, "create a federated"),
        ("https://sts.windows.net/contoso/", SUBJECT, "", Aadsts::ISSUER, None, "send the projected token"),
        (
            "https://kubernetes.default.svc.cluster.local",
            SUBJECT,
            "",
            Aadsts::ISSUER,
            Some(NearMiss::DefaultIssuer),
            "set --service-account-issuer=https://issuers.example.com/prod-1 on every API server",
        ),
        (
            ISSUER,
            "system:serviceaccount:shop:Orders",
            "",
            Aadsts::SUBJECT_CASE,
            Some(NearMiss::Case),
            "set the subject",
        ),
        (ISSUER, "system:serviceaccount:orders:shop", "", Aadsts::SUBJECT, Some(NearMiss::Swapped), "set the subject"),
        (ISSUER, "system:serviceaccount:shop:other", "", Aadsts::SUBJECT, Some(NearMiss::NamespaceOnly), "run the pod"),
        (ISSUER, "system:serviceaccount:other:orders", "", Aadsts::SUBJECT, Some(NearMiss::NameOnly), "run the pod"),
        (ISSUER, "system:serviceaccount:a:b", "", Aadsts::SUBJECT, None, "run the pod"),
        (
            ISSUER,
            "system:serviceaccount:shop:orders\n",
            "",
            Aadsts::SUBJECT,
            Some(NearMiss::WhiteSpace),
            "set the subject",
        ),
        (
            ISSUER,
            SUBJECT,
            "api://azureadtokenexchange",
            Aadsts::AUDIENCE,
            Some(NearMiss::Case),
            "project a token for api://AzureAD",
        ),
        (ISSUER, SUBJECT, ISSUER, Aadsts::AUDIENCE, Some(NearMiss::ApiServer), "project a token for api://AzureAD"),
        (
            ISSUER,
            SUBJECT,
            "https://kubernetes.default.svc.cluster.local",
            Aadsts::AUDIENCE,
            Some(NearMiss::ApiServer),
            "project",
        ),
        (
            ISSUER,
            SUBJECT,
            "api://AKSIdentityBinding",
            Aadsts::AUDIENCE,
            Some(NearMiss::IdentityBinding),
            "enable the proxy",
        ),
        (ISSUER, SUBJECT, "api://AzureADTokenExchangeUSGov", Aadsts::AUDIENCE, Some(NearMiss::OtherCloud), "project"),
        (ISSUER, SUBJECT, "vault", Aadsts::AUDIENCE, None, "project a token for api://AzureAD"),
    ];
    for (issuer, subject, audience, code, near_miss, fix) in cases {
        let audience = if audience.is_empty() { TOKEN_EXCHANGE_AUDIENCE } else { audience };
        let assertion = Assertion::default().issuer(issuer).subject(subject).audience(audience);
        let mismatch = assertion.find(&[credential()]).unwrap_err();
        assert_eq!(mismatch.aadsts(), Some(code), "{mismatch}");
        assert_eq!(mismatch.nearest().unwrap().near_miss, near_miss, "{mismatch}");
        assert!(mismatch.hint().unwrap().starts_with(fix), "{}", mismatch.hint().unwrap());
        assert!(near_miss.is_none_or(|near_miss| mismatch.to_string().contains(&near_miss.to_string())));
    }
}

#[test]
fn endpoints_of_one_storage_account_are_near() {
    let near = |expected: &str, seen: &str| {
        let mismatch =
            Assertion::default().issuer(seen).find(&[FederatedCredential::new(expected, SUBJECT)]).unwrap_err();
        mismatch.nearest().unwrap().near_miss
    };
    let web = "https://acct.z6.web.core.windows.net";
    assert_eq!(near("https://acct.blob.core.windows.net/$web/", web), Some(NearMiss::OtherEndpoint));
    assert_eq!(near("https://ACCT.z6.web.core.windows.net/", web), Some(NearMiss::Several));
    assert_eq!(near("https://other.z6.web.core.windows.net", web), None);
    assert_eq!(near("https://acct.example.com", "https://acct.example.org"), None);
}

#[test]
fn levels_are_compared_in_order() {
    let other = |change: &dyn Fn(&mut FederatedCredential)| {
        let mut credential = credential();
        change(&mut credential);
        credential
    };
    let assertion = Assertion::default().issuer(ISSUER).subject(SUBJECT).audience(TOKEN_EXCHANGE_AUDIENCE);
    let code = |credentials: &[FederatedCredential]| assertion.find(credentials).err().and_then(|error| error.aadsts());
    let issuer = other(&|c| c.issuer.push('/'));
    let subject = other(&|c| c.subject = Some("system:serviceaccount:shop:other".into()));
    let audience = other(&|c| c.audiences = vec!["vault".into()]);
    let two = other(&|c| c.audiences.push("vault".into()));
    let flexible = other(&|c| (c.subject, c.expression) = (None, Some("x".into())));
    for (credentials, expected) in [
        (vec![], Some(Aadsts::NO_CREDENTIAL)),
        (vec![issuer.clone()], Some(Aadsts::ISSUER)),
        (vec![issuer.clone(), subject.clone()], Some(Aadsts::SUBJECT)),
        (vec![issuer.clone(), subject.clone(), audience.clone()], Some(Aadsts::AUDIENCE)),
        (vec![two], Some(Aadsts::AUDIENCE)),
        (vec![flexible.clone()], Some(Aadsts::EXPRESSION_NOT_ALLOWED)),
        (vec![flexible.clone(), subject.clone()], Some(Aadsts::SUBJECT)),
        (vec![flexible, issuer, subject, audience, credential()], None),
    ] {
        assert_eq!(code(&credentials), expected, "{credentials:?}");
    }
    let github = FederatedCredential {
        issuer: "https://token.actions.githubusercontent.com".to_owned(),
        subject: None,
        expression: Some("x".to_owned()),
        ..credential()
    };
    // An exact credential beside the flexible one does not decide.
    let exact = FederatedCredential { issuer: github.issuer.clone(), ..credential() };
    for credentials in [vec![github.clone()], vec![exact.clone(), github.clone()]] {
        let assertion = Assertion::default().issuer(&github.issuer).subject("repo:owner/name:ref:refs/heads/main");
        let mismatch = assertion.find(&credentials).unwrap_err();
        assert!(matches!(mismatch, CredentialMismatch::ExpressionNotEvaluated { .. }), "{mismatch}");
        assert!(mismatch.aadsts().is_none() && !mismatch.is_before_fetching());
    }
    assert_eq!(
        Assertion::default().issuer(&github.issuer).subject(SUBJECT).find(&[github.clone(), exact.clone()]),
        Ok(&exact)
    );
}

#[test]
fn value_that_is_too_long_matches_nothing() {
    let long = "x".repeat(601);
    let issuer = FederatedCredential { issuer: long.clone(), ..credential() };
    let subject = FederatedCredential { subject: Some(long.clone()), ..credential() };
    let audience = FederatedCredential { audiences: vec![long.clone()], ..credential() };
    let assertion = || Assertion::default().issuer(ISSUER).subject(SUBJECT).audience(TOKEN_EXCHANGE_AUDIENCE);
    for (assertion, credential, code) in [
        (assertion().issuer(&long), issuer, Aadsts::ISSUER),
        (assertion().subject(&long), subject, Aadsts::SUBJECT),
        (Assertion::default().issuer(ISSUER).subject(SUBJECT).audience(&long), audience, Aadsts::AUDIENCE),
    ] {
        let mismatch = assertion.find(std::slice::from_ref(&credential)).unwrap_err();
        assert_eq!((mismatch.aadsts(), mismatch.nearest().unwrap().near_miss), (Some(code), Some(NearMiss::Length)));
        assert_eq!(mismatch.hint().unwrap(), "shorten the value to at most 600 characters");
    }
}

#[test]
fn fix_for_several_audiences_is_one_audience() {
    let two = FederatedCredential { audiences: vec!["a".to_owned(), "b".to_owned()], ..credential() };
    let mismatch = Assertion::default().issuer(ISSUER).subject(SUBJECT).audience("a").find(&[two]).unwrap_err();
    assert!(mismatch.hint().unwrap().starts_with("set exactly one audience"), "{:?}", mismatch.hint());
}

/// Issuer and claims of a recorded token.
const RECORDED: &str = "https://oidcissuera67fb168.z6.web.core.windows.net/";

fn report(credentials: Vec<FederatedCredential>, change: impl Fn(Expectations) -> Expectations) -> issuer::Report {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kubernetes/rotation");
    let jwks = Jwks::parse(&fs::read(run.join("jwks.json")).unwrap()).unwrap();
    let token = fs::read_to_string(run.join("entra-1h.jwt")).unwrap();
    let expectations = change(Expectations::entra().credentials(credentials));
    Verifier::from_jwks(RECORDED.parse().unwrap(), &jwks).examine(
        token.trim(),
        &expectations,
        "2026-11-22T00:40:00Z".parse().unwrap(),
    )
}

fn recorded() -> FederatedCredential {
    FederatedCredential::new(RECORDED, "system:serviceaccount:default:workload-identity-sa")
}

#[test]
fn credential_check_comes_where_entra_makes_it() {
    let position = |credentials| {
        let report = report(credentials, |expectations| expectations);
        let position = report.checks.iter().position(|checked| checked.name == CheckName::Credential).unwrap();
        (report.checks[position - 1].name, report.refusal().and_then(Refusal::aadsts))
    };
    assert_eq!(position(vec![recorded()]), (CheckName::Lifetime, None));
    assert_eq!(position(vec![]), (CheckName::Issuer, Some(Aadsts::NO_CREDENTIAL)));
    assert_eq!(position(vec![credential()]), (CheckName::Issuer, Some(Aadsts::ISSUER)));
    let subject = FederatedCredential::new(RECORDED, SUBJECT);
    assert_eq!(position(vec![subject]), (CheckName::Lifetime, Some(Aadsts::SUBJECT)));
    let flexible = FederatedCredential { subject: None, expression: Some("x".to_owned()), ..recorded() };
    assert_eq!(position(vec![flexible]), (CheckName::Issuer, Some(Aadsts::EXPRESSION_NOT_ALLOWED)));
    let oidc = report(vec![], |_| Expectations::oidc().credentials([]));
    assert!(oidc.checks.iter().all(|checked| checked.name != CheckName::Credential));
}

#[test]
fn audience_of_the_credentials_is_the_default() {
    let vault = FederatedCredential { audiences: vec!["vault".to_owned()], ..recorded() };
    let outcome = |report: &issuer::Report, name| {
        let checked = report.checks.iter().find(|checked| checked.name == name).unwrap();
        matches!(checked.outcome, Outcome::Passed(_))
    };
    let of_vault = report(vec![vault.clone()], |expectations| expectations);
    assert!(!outcome(&of_vault, CheckName::Audience) && !outcome(&of_vault, CheckName::Credential));
    let both = report(vec![vault.clone(), recorded()], |expectations| expectations);
    assert!(outcome(&both, CheckName::Audience) && outcome(&both, CheckName::Credential));
    let given = report(vec![vault], |expectations| expectations.audience(TOKEN_EXCHANGE_AUDIENCE));
    assert!(outcome(&given, CheckName::Audience) && !outcome(&given, CheckName::Credential));
}

#[test]
fn problem_of_a_credential_is_a_warning() {
    let broken = FederatedCredential { name: Some("x".to_owned()), ..recorded() };
    let report = report(vec![broken], |expectations| expectations);
    assert!(report.refusal().is_none());
    assert!(matches!(&report.warnings[..], [VerifyWarning::Credential { problem: CredentialProblem::Name(_), .. }]));
}

fn some_text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9:/._ -]{1,40}"
}

fn some_credential() -> impl Strategy<Value = FederatedCredential> {
    (some_text(), some_text(), some_text()).prop_map(|(issuer, subject, audience)| FederatedCredential {
        audiences: vec![audience],
        ..FederatedCredential::new(issuer, subject)
    })
}

/// A text with one character changed, inserted or removed.
fn changed(text: &str, at: prop::sample::Index, kind: u8, character: char) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let at = at.index(characters.len());
    match kind % 3 {
        0 => characters[at] = character,
        1 => characters.insert(at, character),
        _ => drop(characters.remove(at)),
    }
    characters.into_iter().collect()
}

proptest! {
    #[test]
    fn credential_of_a_token_matches_and_no_other(
        credential in some_credential(),
        others in prop::collection::vec(some_credential(), 0..4),
        which in 0..3,
        at in any::<prop::sample::Index>(),
        kind in any::<u8>(),
        character in prop::char::range(' ', '~'),
    ) {
        let (issuer, subject) = (credential.issuer.clone(), credential.subject.clone().unwrap());
        let audience = credential.audiences[0].clone();
        let assertion = Assertion::default().issuer(&issuer).subject(&subject).audience(&audience);
        prop_assert_eq!(assertion.find(std::slice::from_ref(&credential)), Ok(&credential));
        let mut list = others.clone();
        list.push(credential.clone());
        prop_assert!(assertion.find(&list).is_ok());

        let mut other = credential.clone();
        match which {
            0 => other.issuer = changed(&issuer, at, kind, character),
            1 => other.subject = Some(changed(&subject, at, kind, character)),
            _ => other.audiences[0] = changed(&audience, at, kind, character),
        }
        prop_assume!(other != credential);
        let mismatch = assertion.find(&[other]).unwrap_err();
        prop_assert!(mismatch.aadsts().is_some() && mismatch.hint().is_some());
    }

    #[test]
    fn order_of_credentials_does_not_matter(
        list in prop::collection::vec(some_credential(), 1..6),
        shift in any::<prop::sample::Index>(),
        level in 0..4,
        seen in some_credential(),
    ) {
        let one = &list[0];
        let (issuer, subject) = (&one.issuer, one.subject.as_deref().unwrap());
        let assertion = Assertion::default();
        let assertion = assertion.issuer(if level > 0 { issuer } else { &seen.issuer });
        let assertion = assertion.subject(if level > 1 { subject } else { seen.subject.as_deref().unwrap() });
        let assertion = assertion.audience(if level > 2 { &one.audiences[0] } else { &seen.audiences[0] });
        let mut rotated = list.clone();
        rotated.rotate_left(shift.index(list.len()));
        rotated.reverse();
        prop_assert_eq!(assertion.find(&list), assertion.find(&rotated));
    }
}
