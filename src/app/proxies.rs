//! The client's address, scheme and host behind proxies: only a proxy that is trusted may say them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Once},
};

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Who may say for whom a request is.
#[derive(Clone)]
pub(super) struct TrustedProxies(Arc<[IpNet]>);

/// How a request came, as the client sees it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The address of the client.
    pub(super) address: IpAddr,
    /// Whether the client has a connection that nobody can read.
    pub(super) is_https: bool,
    /// The name by which the client knows the server, if that is not the one of the request.
    pub(super) host: Option<String>,
}

/// What a proxy says of where its request came from.
struct Hop<'h> {
    address: Option<IpAddr>,
    scheme: Option<&'h str>,
    host: Option<&'h str>,
}

impl TrustedProxies {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// How a request came. Only trusted proxies may say it; the client is the last one on the way that is none.
    ///
    /// Each proxy appends where its request came from, so that what the client itself wrote stands further left and is
    /// never reached. What can't be read ends the way.
    pub(super) fn way(&self, peer: IpAddr, headers: &HeaderMap) -> Way {
        let peer = peer.to_canonical();
        let direct = Way { address: peer, is_https: false, host: None };
        if !self.trust(peer) {
            if headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED) {
                warn_once(peer);
            }
            return direct;
        }
        // many proxies pass on a `Forwarded` that a client sent, because they do not know that header
        let is_common =
            [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST].iter().any(|name| headers.contains_key(name));
        let hops = if is_common { x_forwarded(headers) } else { forwarded(headers) };
        let mut way = direct;
        for hop in hops.into_iter().rev() {
            // who wrote this is trusted; an older proxy knows more of the client's side
            way.is_https = hop.scheme.map_or(way.is_https, |scheme| scheme.eq_ignore_ascii_case("https"));
            way.host = hop.host.map(ToOwned::to_owned).or(way.host);
            let Some(address) = hop.address else { break };
            way.address = address;
            if !self.trust(address) {
                break;
            }
        }
        way
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Says that the clients behind a proxy are taken for one.
fn warn_once(peer: IpAddr) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::warn!(
            "{peer} says for whom its requests are, and is not among TRUSTED_PROXIES: it is taken for the client"
        );
    });
}

/// The hops of `X-Forwarded-For`, `-Proto` and `-Host`, whose last values belong together: not every proxy appends to all of
/// them.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop<'_>> {
    let [addresses, schemes, hosts] = [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST]
        .map(|name| values(headers, &name, |line| line.split(',').collect()));
    let count = addresses.len().max(schemes.len().min(1)).max(hosts.len().min(1));
    let hop = |from_the_end| Hop {
        address: at(&addresses, from_the_end).and_then(address),
        scheme: at(&schemes, from_the_end),
        host: at(&hosts, from_the_end),
    };
    (1..=count).rev().map(hop).collect()
}

fn at<'h>(values: &[&'h str], from_the_end: usize) -> Option<&'h str> {
    values.get(values.len().checked_sub(from_the_end)?).copied()
}

/// The hops of `Forwarded` (RFC 7239).
fn forwarded(headers: &HeaderMap) -> Vec<Hop<'_>> {
    let hop = |element| Hop {
        address: parameter(element, "for").and_then(address),
        scheme: parameter(element, "proto"),
        host: parameter(element, "host"),
    };
    values(headers, &FORWARDED, |line| unquoted_split(line, ',')).into_iter().map(hop).collect()
}

/// The values of all lines of a header, from the client to here. A line that can't be read is one empty value.
fn values<'h>(headers: &'h HeaderMap, name: &HeaderName, split: fn(&str) -> Vec<&str>) -> Vec<&'h str> {
    let lines = headers.get_all(name).into_iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(split).map(str::trim).collect()
}

/// An address, maybe with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

/// The value of a parameter in `for=192.0.2.60;proto=http`, where one that has a colon is quoted (RFC 7239 4).
fn parameter<'h>(element: &'h str, wanted: &str) -> Option<&'h str> {
    let mut pairs = unquoted_split(element, ';').into_iter().filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// Splits where the separator does not stand in quotes, because there it may be a client's.
fn unquoted_split(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(move |character| {
        let is_literal = std::mem::take(&mut is_escaped);
        match character {
            '\\' if is_quoted && !is_literal => is_escaped = true,
            '"' if !is_literal => is_quoted = !is_quoted,
            _ => {}
        }
        character == separator && !is_quoted
    });
    parts.collect()
}
