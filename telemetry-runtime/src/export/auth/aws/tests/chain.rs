//! Profiles that lead to keys of others: roles, and what somebody has signed in for.

use super::*;

/// A profile of this text, named `orders`, whose services are at this URL.
struct At(Profile);

impl At {
    fn new(name: &str, config: &str, url: String) -> Self {
        let sso_cache = std::env::temp_dir().join(format!("telemetry-aws-{}-{name}-sso", std::process::id()));
        std::fs::create_dir(&sso_cache).expect("a folder that is not there");
        let config_file = sso_cache.join("config");
        std::fs::write(&config_file, config).expect("a file");
        Self(Profile {
            name: "orders".to_owned(),
            is_named: true,
            credentials_file: "/does/not/exist".into(),
            config_file,
            sso_cache,
            sso_url: Some(url.clone()),
            sts_url: url,
            region: "eu-west-1".to_owned(),
        })
    }

    fn sources(&self) -> Vec<KeySource> {
        vec![KeySource::Profile(self.0.clone())]
    }

    /// Why there is no key.
    fn error(&self, more: Option<KeySource>) -> String {
        let receiver = back_end(SECRET);
        let sources = self.sources().into_iter().chain(more).collect();
        let error = export(&mut exporter(&receiver, sources)).expect_err("there is no key");
        assert!(error.is_retryable() && receiver.requests().is_empty(), "{error}");
        let shown = format!("{error:?}");
        assert!(!shown.contains("canary"), "{shown}");
        error.to_string()
    }
}

impl Drop for At {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0.sso_cache);
    }
}

/// Gives the second key to whoever has signed with the first, for this role.
fn sts(first: &'static str, second: &'static str, role: &'static str) -> Receiver {
    Receiver::judged_by(move |request| {
        let has = |name, value| request.field(name).as_deref() == Some(value);
        let is_asked = has("Action", "AssumeRole") && has("RoleArn", role) && has("Version", "2011-06-15");
        match check_signature(request, first, "eu-west-1", "sts") {
            Ok(()) if is_asked => key_xml(second),
            _ => Answer::status(403),
        }
    })
}

#[test]
fn a_role_is_taken_with_the_key_of_the_profile_that_may() {
    let sts = sts("canary-first", SECRET, "arn:aws:iam::1:role/a");
    let config = "[profile orders]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = base\nexternal_id = e/1\n\
                  role_session_name = shop\n[profile base]\naws_access_key_id = A\naws_secret_access_key = canary-first\n\
                  role_arn = arn:aws:iam::1:role/of-a-source-with-a-key\n";
    is_taken(At::new("role", config, sts.endpoint()).sources());
    let request = &sts.requests()[0];
    let fields = ["ExternalId", "RoleSessionName"].map(|name| request.field(name));
    assert_eq!(fields.each_ref().map(Option::as_deref), [Some("e/1"), Some("shop")]);
}

#[test]
fn roles_may_be_taken_one_after_the_other_and_with_the_key_of_the_machine() {
    let machine = machine("canary-first");
    let sts = Receiver::judged_by(|request| match request.field("RoleArn").as_deref() {
        Some("b") if check_signature(request, "canary-first", "eu-west-1", "sts").is_ok() => {
            key_xml("canary-second")
        }
        Some("a") if check_signature(request, "canary-second", "eu-west-1", "sts").is_ok() => key_xml(SECRET),
        _ => Answer::status(403),
    });
    let config = "[profile orders]\nrole_arn = a\nsource_profile = between\n\
                  [profile between]\nrole_arn = b\ncredential_source = Ec2InstanceMetadata\n";
    let at = At::new("roles", config, sts.endpoint());
    let machine = KeySource::Machine { base: machine.endpoint() };
    is_taken(at.sources().into_iter().chain([machine]).collect());
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_profile_may_name_a_web_identity() {
    let token = file("chain-identity", "canary-identity\n");
    let sts = Receiver::judged_by(|request| match request.field("WebIdentityToken").as_deref() {
        Some("canary-identity") => key_xml(SECRET),
        _ => Answer::status(403),
    });
    let config = format!("[profile orders]\nrole_arn = a\nweb_identity_token_file = {}\n", token.display());
    is_taken(At::new("identity", &config, sts.endpoint()).sources());
    std::fs::remove_file(token).expect("the file");
}

#[test]
fn a_role_that_nobody_may_take_is_told_with_its_profile() {
    let machine = KeySource::Machine { base: "http://127.0.0.1:1".to_owned() };
    for (name, config, expected) in [
        (
            "circle",
            "role_arn = a\nsource_profile = b\n[profile b]\nrole_arn = b\nsource_profile = orders\n",
            "`orders`, `b` lead in a circle",
        ),
        ("itself", "role_arn = a\nsource_profile = orders\n", "`orders` lead in a circle"),
        ("nobody", "role_arn = a\n", "nothing in the profile `orders` may take its role"),
        (
            "other",
            "role_arn = a\ncredential_source = Environment\n",
            "the environment has none that may take the role of the profile `orders`",
        ),
        (
            "far",
            "role_arn = a\nsource_profile = 2\n[profile 2]\nrole_arn = a\nsource_profile = 3\n[profile 3]\nrole_arn = a\n\
             source_profile = 4\n[profile 4]\nrole_arn = a\nsource_profile = 5\n[profile 5]\nrole_arn = a\nsource_profile = 6\n",
            "the profile `orders` leads through more than 5 profiles",
        ),
        ("source", "role_arn = a\nsource_profile = b\n", "nothing in the profile `orders` may take"),
        ("role", "sso_role_name = r\n", "the profile `orders` has no `sso_account_id`"),
        (
            "start",
            "sso_role_name = r\nsso_account_id = 1\nsso_region = eu-west-1\n",
            "has no `sso_start_url`",
        ),
    ] {
        let name = format!("nobody-{name}");
        let at = At::new(&name, &format!("[profile orders]\n{config}"), "http://127.0.0.1:1".to_owned());
        let error = at.error(Some(machine.clone()));
        assert!(error.contains(expected), "{name}: {error}");
    }
}

/// The portal of IAM Identity Center.
fn portal() -> Receiver {
    Receiver::judged_by(|request| match request.header("x-amz-sso_bearer_token") {
        Some("canary-token")
            if request.line == "GET /federation/credentials?role_name=shop&account_id=123" =>
        {
            let key = format!(
                r#"{{"accessKeyId":"A","secretAccessKey":"{SECRET}","sessionToken":"canary-session","expiration":32503680000000}}"#
            );
            Answer::json(200, format!(r#"{{"roleCredentials":{key}}}"#))
        }
        _ => Answer::status(401),
    })
}

#[test]
fn whoever_has_signed_in_has_the_key_of_the_role_until_that_ends() {
    let portal = portal();
    let of_session = "[profile orders]\nsso_session = s\nsso_account_id = 123\nsso_role_name = shop\n\
                      [sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://shop.example\n";
    let of_profile = "[profile orders]\nsso_start_url = https://shop.example\nsso_region = eu-west-1\n\
                      sso_account_id = 123\nsso_role_name = shop\n";
    // `printf s | sha1sum`, and the same of the URL.
    for (name, config, file) in [
        ("session", of_session, "a0f1490a20d0211c997b44bc357e1972deab8ae3.json"),
        ("start-url", of_profile, "77e064ab4e90ffdd99d4c6a6f78c64f8bf713407.json"),
    ] {
        let at = At::new(name, config, portal.endpoint());
        let file = at.0.sso_cache.join(file);
        assert!(at.error(None).ends_with("sign in with `aws sso login --profile orders`"));
        let token = |ends| format!(r#"{{"accessToken":"canary-token","expiresAt":"{ends}"}}"#);
        std::fs::write(&file, token("2020-01-01T00:00:00Z")).expect("a file");
        assert!(at.error(None).ends_with("sign in with `aws sso login --profile orders`"));
        std::fs::write(&file, token("2999-01-01T00:00:00Z")).expect("a file");
        is_taken(at.sources());
    }
}

#[test]
fn a_portal_that_gives_no_key_is_told_with_the_profile_and_its_answer() {
    let config = "[profile orders]\nsso_session = s\nsso_account_id = 123\nsso_role_name = shop\n\
                  [sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://shop.example\n";
    for (name, answer, expected) in [
        (
            "signed-out",
            Answer::json(401, r#"{"message":"canary-token"}"#),
            "`aws sso login --profile orders` helps",
        ),
        ("no-key", Answer::json(200, r#"{"roleCredentials":{"secretAccessKey":"canary"}}"#), "gave none"),
    ] {
        let portal = Receiver::scripted([answer]);
        let at = At::new(name, config, portal.endpoint());
        let token = r#"{"accessToken":"canary-token","expiresAt":"2999-01-01T00:00:00Z"}"#;
        let file = at.0.sso_cache.join("a0f1490a20d0211c997b44bc357e1972deab8ae3.json");
        std::fs::write(file, token).expect("a file");
        let error = at.error(None);
        assert!(error.ends_with(expected), "{error}");
    }
}
