//! The client's address behind proxies: only a proxy that is trusted may say it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Once},
};

use axum::http::{
    HeaderMap, HeaderName,
    header::{FORWARDED, GetAll, HeaderValue},
};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who may say for whom a request is.
#[derive(Clone)]
pub(super) struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// The address of the client: that of the peer, or if that is a trusted proxy, the last one on the way that is not.
    ///
    /// Each proxy appends where its request came from, so that what the client itself wrote stands further left and is
    /// never reached. What can't be read ends the way.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        let forwarded_for = headers.get_all(X_FORWARDED_FOR);
        let forwarded = headers.get_all(FORWARDED);
        if !self.trust(peer) {
            if forwarded_for.iter().chain(&forwarded).next().is_some() {
                warn_once(peer);
            }
            return peer;
        }
        // many proxies pass on a `Forwarded` that a client sent, because they do not know that header
        let hops = if headers.contains_key(X_FORWARDED_FOR) {
            hops(&forwarded_for, |line| line.split(',').map(address).collect())
        } else {
            hops(&forwarded, |line| unquoted_split(line, ',').into_iter().map(node).collect())
        };
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            let Some(address) = hop else { break };
            client = address;
            if !self.trust(client) {
                break;
            }
        }
        client
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

/// The addresses of all lines of a header, from the client to here. None: one that can't be read.
fn hops(lines: &GetAll<'_, HeaderValue>, read: fn(&str) -> Vec<Option<IpAddr>>) -> Vec<Option<IpAddr>> {
    let lines = lines.iter().map(|line| line.to_str().map_or_else(|_| vec![None], read));
    lines.flatten().collect()
}

/// An address, maybe with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

/// The address in `for=192.0.2.60;proto=http`, where one that has a colon is quoted (RFC 7239 4).
fn node(element: &str) -> Option<IpAddr> {
    let mut pairs = unquoted_split(element, ';').into_iter().filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node))
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
