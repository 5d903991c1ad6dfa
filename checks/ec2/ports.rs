//! Ports whose services have no business on the internet, and which rules open them to it.

use std::sync::Arc;

use demarc_model::{
    Assessed, Cause, Evidence, NotAssessed, Outcome, calls,
    inventory::ec2::{Permission, SecurityGroup},
};

use super::internet::{Addresses, Family, is_public};

/// Which transport protocols a rule or a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

use Transport::{Tcp, Udp};

/// Services for administration, storage and messaging inside a network, by port. The names are
/// part of published keys: they may not change.
///
/// Among them are all high-risk ports of AWS's own list (Security Hub control EC2.19).
#[rustfmt::skip]
pub(crate) static PRIVATE: &[(u16, &[Transport], &str)] = &[
    (20, &[Tcp], "FTP"),
    (21, &[Tcp], "FTP"),
    (22, &[Tcp], "SSH"),
    (23, &[Tcp], "Telnet"),
    (25, &[Tcp], "SMTP"),
    (53, &[Tcp, Udp], "DNS"),
    (69, &[Udp], "TFTP"),
    (88, &[Tcp, Udp], "Kerberos"),
    (110, &[Tcp], "POP3"),
    (111, &[Tcp, Udp], "RPC portmapper"),
    (135, &[Tcp], "RPC"),
    (137, &[Tcp, Udp], "CIFS"),
    (138, &[Tcp, Udp], "CIFS"),
    (139, &[Tcp, Udp], "CIFS"),
    (143, &[Tcp], "IMAP"),
    (161, &[Udp], "SNMP"),
    (389, &[Tcp, Udp], "LDAP"),
    (445, &[Tcp, Udp], "CIFS"),
    (464, &[Tcp, Udp], "Kerberos"),
    (512, &[Tcp], "rexec"),
    (513, &[Tcp], "rlogin"),
    (514, &[Tcp], "rsh"),
    (636, &[Tcp], "LDAP"),
    (749, &[Tcp, Udp], "Kerberos"),
    (873, &[Tcp], "rsync"),
    (1433, &[Tcp], "SQL Server"),
    (1434, &[Tcp, Udp], "SQL Server"),
    (1521, &[Tcp], "Oracle"),
    (2049, &[Tcp, Udp], "NFS"),
    (2181, &[Tcp], "ZooKeeper"),
    (2375, &[Tcp], "Docker"),
    (2376, &[Tcp], "Docker"),
    (2379, &[Tcp], "etcd"),
    (2380, &[Tcp], "etcd"),
    (2483, &[Tcp, Udp], "Oracle"),
    (2484, &[Tcp, Udp], "Oracle"),
    (3000, &[Tcp], "development web server"),
    (3306, &[Tcp], "MySQL"),
    (3389, &[Tcp, Udp], "RDP"),
    (4333, &[Tcp], "mSQL"),
    (5000, &[Tcp], "development web server"),
    (5432, &[Tcp], "PostgreSQL"),
    (5500, &[Tcp], "fcp-addr-srvr1"),
    (5601, &[Tcp], "Kibana"),
    (5900, &[Tcp], "VNC"),
    (5901, &[Tcp], "VNC"),
    (5985, &[Tcp], "WinRM"),
    (5986, &[Tcp], "WinRM"),
    (6379, &[Tcp], "Redis"),
    (7000, &[Tcp], "Cassandra"),
    (7001, &[Tcp], "Cassandra"),
    (7199, &[Tcp], "Cassandra"),
    (8080, &[Tcp], "web proxy"),
    (8088, &[Tcp], "alternate HTTP"),
    (8888, &[Tcp], "alternate HTTP"),
    (9042, &[Tcp], "Cassandra"),
    (9092, &[Tcp], "Kafka"),
    (9160, &[Tcp], "Cassandra"),
    (9200, &[Tcp], "Elasticsearch"),
    (9300, &[Tcp], "Elasticsearch"),
    (10250, &[Tcp], "kubelet"),
    (11211, &[Tcp, Udp], "Memcached"),
    (27017, &[Tcp], "MongoDB"),
    (27018, &[Tcp], "MongoDB"),
    (27019, &[Tcp], "MongoDB"),
];

/// A rule that opens more of these ports is reported once, by its range: the cure is one.
const SEVERAL: usize = 8;

/// One permission of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule<'a> {
    pub(crate) group: &'a str,
    pub(crate) permission: &'a Permission,
}

/// Rules that together let the internet in: what to, where from, and which they are.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    /// `22/tcp SSH`, or `all ports`.
    pub(crate) what: String,
    pub(crate) from: Source,
    pub(crate) rules: Vec<Rule<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A family's internet, by the range that admits it.
    Internet(Family, String),
    /// Its entries are not shown with the rule.
    PrefixList(String),
}

/// The ports of a permission; `None` for a protocol without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// `None` is every protocol, and so every port.
    transport: Option<Transport>,
    from: u16,
    to: u16,
}

impl Span {
    pub(crate) fn of(permission: &Permission) -> Option<Self> {
        let transport = match permission.protocol.as_str() {
            "-1" => None,
            "tcp" | "6" => Some(Tcp),
            "udp" | "17" => Some(Udp),
            _ => return None,
        };
        let port = |port: Option<i32>, absent: u16| match port {
            None | Some(-1) => absent,
            Some(port) => u16::try_from(port).unwrap_or(absent),
        };
        if transport.is_none() || permission.covers_all_ports() {
            return Some(Self { transport, from: 0, to: u16::MAX });
        }
        Some(Self {
            transport,
            from: port(permission.from_port, 0),
            to: port(permission.to_port, u16::MAX),
        })
    }

    fn covers(self, port: u16, transport: Transport) -> bool {
        self.transport.is_none_or(|own| own == transport) && self.from <= port && port <= self.to
    }

    pub(crate) fn is_all(self) -> bool {
        self.from == 0 && self.to == u16::MAX
    }

    /// Whether it is within one of these TCP ports.
    pub(crate) fn is_tcp_among(self, ports: &[u16]) -> bool {
        self.transport == Some(Tcp) && self.from == self.to && ports.contains(&self.from)
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Tcp => "tcp",
            Udp => "udp",
        })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_all() {
            f.write_str("all ports")?;
        } else if self.from == self.to {
            write!(f, "{}", self.from)?;
        } else {
            write!(f, "{}-{}", self.from, self.to)?;
        }
        match self.transport {
            Some(transport) => write!(f, "/{transport}"),
            None => Ok(()),
        }
    }
}

/// The inbound rules of a group.
pub(crate) fn rules_of(group: &SecurityGroup) -> Vec<Rule<'_>> {
    let rule = |permission| Rule { group: &group.group_id, permission };
    group.ingress.iter().map(rule).collect()
}

/// What the rules open of the [`PRIVATE`] ports: rules of many ports first, then by port.
pub(crate) fn private_openings<'a>(rules: &[Rule<'a>]) -> Vec<Opening<'a>> {
    let listed = |span: Span| {
        PRIVATE.iter().flat_map(move |(port, transports, name)| {
            let covered = transports.iter().filter(move |t| span.covers(*port, **t));
            covered.map(move |transport| (*port, *transport, *name))
        })
    };
    let spans = rules.iter().filter_map(|rule| Some((*rule, Span::of(rule.permission)?)));
    let (broad, narrow): (Vec<_>, Vec<_>) =
        spans.partition(|(_, span)| listed(*span).nth(SEVERAL).is_some());

    let mut groups: Vec<(String, Vec<Rule<'a>>)> = by_span(broad);
    for (port, transports, name) in PRIVATE {
        for transport in *transports {
            let covers = |(_, span): &&(Rule<'a>, Span)| span.covers(*port, *transport);
            let rules: Vec<_> = narrow.iter().filter(covers).map(|(rule, _)| *rule).collect();
            if !rules.is_empty() {
                groups.push((format!("{port}/{transport} {name}"), rules));
            }
        }
    }
    openings(groups)
}

/// What the rules open to the internet, by the range of their ports.
pub(crate) fn port_openings<'a>(
    rules: &[Rule<'a>],
    judged: impl Fn(Span) -> bool,
) -> Vec<Opening<'a>> {
    let spans = rules.iter().filter_map(|rule| Some((*rule, Span::of(rule.permission)?)));
    openings(by_span(spans.filter(|(_, span)| judged(*span)).collect()))
}

fn by_span(mut rules: Vec<(Rule<'_>, Span)>) -> Vec<(String, Vec<Rule<'_>>)> {
    rules.sort_by_key(|(_, span)| *span);
    let same = rules.chunk_by(|(_, one), (_, other)| one == other);
    same.map(|same| (same[0].1.to_string(), same.iter().map(|(rule, _)| *rule).collect())).collect()
}

/// Keeps of each group of rules what the internet, or a prefix list, gets through.
pub(crate) fn openings(groups: Vec<(String, Vec<Rule<'_>>)>) -> Vec<Opening<'_>> {
    let mut openings = Vec::new();
    for (what, rules) in groups {
        for family in Family::BOTH {
            let ranges = || rules.iter().flat_map(|rule| &rule.permission.ranges);
            let admitted = Addresses::of(family, ranges());
            if admitted.is_open() {
                let from = Source::Internet(family, admitted.label(ranges()));
                let admits = |rule: &&Rule<'_>| !public_ranges(rule.permission, family).is_empty();
                let rules = rules.iter().filter(admits).copied().collect();
                openings.push(Opening { what: what.clone(), from, rules });
            }
        }
        let mut lists: Vec<_> =
            rules.iter().flat_map(|rule| &rule.permission.prefix_lists).collect();
        lists.sort_unstable();
        lists.dedup();
        for list in lists {
            let admits = |rule: &&Rule<'_>| rule.permission.prefix_lists.contains(list);
            let rules = rules.iter().filter(admits).copied().collect();
            let from = Source::PrefixList(list.clone());
            openings.push(Opening { what: what.clone(), from, rules });
        }
    }
    openings
}

fn public_ranges(permission: &Permission, family: Family) -> Vec<String> {
    let public = permission.ranges.iter().filter(|range| Family::of(range) == family);
    public.filter(|range| is_public(range)).map(ToString::to_string).collect()
}

/// One part for each opening of a group.
pub(crate) fn parts(openings: &[Opening<'_>], expected: &'static str) -> Outcome {
    let part = |opening: &Opening<'_>| (opening.key(), opening.assess(expected, |_, rule| rule));
    Outcome::Parts(openings.iter().map(part).collect())
}

impl Opening<'_> {
    /// `22/tcp SSH from 0.0.0.0/0`.
    pub(crate) fn key(&self) -> String {
        match &self.from {
            Source::Internet(_, from) | Source::PrefixList(from) => {
                format!("{} from {from}", self.what)
            }
        }
    }

    /// A failure with one piece of evidence for each rule, its text passed through `tell` with
    /// its group's id; not assessed where a prefix list's entries would decide.
    pub(crate) fn assess(
        &self,
        expected: &'static str,
        tell: impl Fn(&str, String) -> String,
    ) -> Assessed {
        let family = match &self.from {
            Source::Internet(family, _) => *family,
            Source::PrefixList(list) => {
                return Err(Arc::new(NotAssessed {
                    call: &calls::ec2::DESCRIBE_SECURITY_GROUPS,
                    cause: Cause::NotShown { what: format!("the entries of prefix list {list}") },
                }));
            }
        };
        let evidence = self.rules.iter().map(|rule| {
            let text = format!(
                "{} from {}",
                ports_text(rule.permission),
                public_ranges(rule.permission, family).join(", ")
            );
            Evidence::new(
                &calls::ec2::DESCRIBE_SECURITY_GROUPS,
                "IpPermissions",
                tell(rule.group, text),
                expected,
            )
        });
        Ok(Outcome::Fail(evidence.collect()))
    }
}

/// The same as in a key: `22/tcp`, `all ports`, `icmp`.
pub(crate) fn what(permission: &Permission) -> String {
    Span::of(permission).map_or_else(|| ports_text(permission), |span| span.to_string())
}

/// `tcp 22`, `udp 1024-65535`, `all traffic`, `icmp`.
pub(crate) fn ports_text(permission: &Permission) -> String {
    let protocol = match permission.protocol.as_str() {
        "-1" => return "all traffic".to_owned(),
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        "58" => "icmpv6",
        protocol if protocol.bytes().all(|byte| byte.is_ascii_digit()) => {
            return format!("protocol {protocol}");
        }
        protocol => protocol,
    };
    match Span::of(permission) {
        Some(span) if span.is_all() => format!("{protocol} all ports"),
        Some(span) if span.from == span.to => format!("{protocol} {}", span.from),
        Some(span) => format!("{protocol} {}-{}", span.from, span.to),
        None => protocol.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::testing::{all_traffic, permission};

    fn keys(permissions: &[Permission]) -> Vec<String> {
        let rules: Vec<_> =
            permissions.iter().map(|permission| Rule { group: "sg-1", permission }).collect();
        private_openings(&rules).iter().map(Opening::key).collect()
    }

    #[test]
    fn the_table_is_in_order_and_holds_what_aws_calls_high_risk() {
        assert!(PRIVATE.is_sorted_by_key(|(port, ..)| *port));
        let high_risk = [
            20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432,
            5500, 5601, 8080, 8088, 8888, 9200, 9300,
        ];
        for port in high_risk {
            assert!(PRIVATE.iter().any(|(own, on, _)| *own == port && on.contains(&Tcp)), "{port}");
        }
    }

    #[test]
    fn protocols_are_recognized_by_number_too() {
        assert_eq!(keys(&[permission("6", 22, 22, &["::/0"])]), ["22/tcp SSH from ::/0"]);
        assert_eq!(
            keys(&[permission("17", 53, 53, &["0.0.0.0/0"])]),
            ["53/udp DNS from 0.0.0.0/0"]
        );
        assert!(keys(&[permission("47", -1, -1, &["0.0.0.0/0"])]).is_empty());
    }

    #[test]
    fn a_range_opens_what_lies_in_it_and_a_broad_one_is_named_once() {
        let few = permission("tcp", 20, 23, &["0.0.0.0/0"]);
        let expected = ["20/tcp FTP", "21/tcp FTP", "22/tcp SSH", "23/tcp Telnet"];
        assert_eq!(keys(&[few]), expected.map(|what| format!("{what} from 0.0.0.0/0")));

        let many = permission("tcp", 1024, 65535, &["0.0.0.0/0"]);
        assert_eq!(keys(&[many]), ["1024-65535/tcp from 0.0.0.0/0"]);
        assert_eq!(keys(&[all_traffic(&["0.0.0.0/0"])]), ["all ports from 0.0.0.0/0"]);
        let missing = Permission { from_port: None, to_port: None, ..few_tcp() };
        assert_eq!(keys(&[missing]), ["all ports/tcp from 0.0.0.0/0"]);
    }

    fn few_tcp() -> Permission {
        permission("tcp", 0, 0, &["0.0.0.0/0"])
    }

    #[test]
    fn two_rules_that_open_the_same_port_are_one_finding_with_two_pieces_of_evidence() {
        let one = permission("tcp", 22, 22, &["0.0.0.0/1"]);
        let other = permission("tcp", 21, 22, &["128.0.0.0/1"]);
        let rules = [&one, &other].map(|permission| Rule { group: "sg-1", permission });
        let openings = private_openings(&rules);
        let keys: Vec<_> = openings.iter().map(Opening::key).collect();
        assert_eq!(keys, ["21/tcp FTP from 128.0.0.0/1", "22/tcp SSH from 0.0.0.0/0"]);
        assert_eq!(openings[1].rules.len(), 2);
    }
}
