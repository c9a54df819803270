//! Where a host is: an address is taken as it is, a name is looked up.

use std::net::{IpAddr, SocketAddr};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Takes an address as it is, and has names looked up by `ureq`, which starts a thread for that with every request.
#[derive(Debug, Default)]
pub(super) struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let Some(address) = address(uri) else { return self.0.resolve(uri, config, timeout) };
        let mut addresses = self.empty();
        addresses.push(address);
        Ok(addresses)
    }
}

/// The address that the URL names, if it does.
fn address(uri: &Uri) -> Option<SocketAddr> {
    let default_port = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let ip: IpAddr = uri.host()?.trim_matches(['[', ']']).parse().ok()?;
    Some(SocketAddr::new(ip, uri.port_u16().unwrap_or(default_port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_it_is_and_a_name_is_looked_up() {
        let address = |url: &str| address(&url.parse().expect("a URL")).map(|address| address.to_string());
        assert_eq!(address("http://127.0.0.1:4318/v1/traces").as_deref(), Some("127.0.0.1:4318"));
        assert_eq!(address("https://[::1]/").as_deref(), Some("[::1]:443"));
        assert_eq!(address("http://192.0.2.7/").as_deref(), Some("192.0.2.7:80"));
        for name in ["http://localhost:4318/", "http://example.com/", "http://1.example.com/"] {
            assert_eq!(address(name), None);
        }
    }
}
