//! The security groups of the network: which parts may connect to which.
//!
//! The internet connects to the load balancer, the load balancer to the services, the services to the database and to the
//! internet; no other connections are allowed. Each group exists if its section does. Rules are separate resources, because
//! then a change of one cannot cut off the others.

use std::collections::BTreeSet;

use crate::resource::value::properties;
use crate::resource::{StackId, Urn, Value};
use crate::stack::Environment;

use super::urns::{KEY, vpc};
use crate::component::context::Context;
use crate::component::load_balancer::LoadBalancer;
use crate::component::platform::Platform;
use crate::component::raw;
use crate::component::services::{Service, Services};

const HTTPS: u16 = 443;
const ANYWHERE: &str = "0.0.0.0/0";
const INGRESS: &str = "aws:vpc:SecurityGroupIngressRule";
const EGRESS: &str = "aws:vpc:SecurityGroupEgressRule";

/// The group of the load balancer.
pub fn load_balancer(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ec2:SecurityGroup", "network/albSecurityGroup")
}

/// The group of all services.
pub fn services(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ec2:SecurityGroup", "network/ecsSecurityGroup")
}

/// The group of the database.
pub fn database(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:ec2:SecurityGroup", "network/rdsSecurityGroup")
}

/// The rule that lets HTTPS into the load balancer, if it serves HTTPS.
pub fn https(stack: &StackId) -> Urn {
    Urn::new(stack, INGRESS, "network/albIngressHttps")
}

/// The groups that the platform has, by the names under which `${network.…}` offers their ids.
pub fn of(stack: &StackId, platform: &Platform) -> Vec<(&'static str, Urn)> {
    let mut groups = Vec::new();
    if platform.load_balancer.is_some() {
        groups.push(("albSecurityGroupId", load_balancer(stack)));
    }
    if platform.services.is_some() {
        groups.push(("ecsSecurityGroupId", services(stack)));
    }
    if platform.database.is_some() {
        groups.push(("rdsSecurityGroupId", database(stack)));
    }
    groups
}

/// The rules that must exist for a service to start and to be found healthy.
pub fn prerequisites_of(stack: &StackId, platform: &Platform, service: &Service) -> Vec<Urn> {
    let mut rules = vec![Urn::new(stack, EGRESS, "network/ecsEgress")];
    if let (true, Some(port)) = (
        platform.load_balancer.is_some() && service.is_exposed(),
        service.port,
    ) {
        rules.push(Urn::new(stack, EGRESS, format!("network/albEgress{port}")));
        rules.push(Urn::new(
            stack,
            INGRESS,
            format!("network/ecsIngress{port}"),
        ));
    }
    if platform.database.is_some() {
        rules.push(Urn::new(stack, INGRESS, "network/rdsIngress"));
    }
    rules
}

/// Adds the groups that the sections of the platform need.
pub fn expand(context: &mut Context<'_>, platform: &Platform) {
    let stack = context.id.clone();
    let exposed: BTreeSet<u16> = platform
        .services
        .iter()
        .flat_map(Services::exposed)
        .filter_map(|service| service.port)
        .collect();
    if platform.load_balancer.is_some() {
        let group = load_balancer(&stack);
        add_group(
            context,
            &group,
            "The load balancer: web traffic from anywhere",
        );
        let ports = [
            ("Http", 80, true),
            ("Https", HTTPS, opens_https(context, platform)),
        ];
        for (name, port, _) in ports.into_iter().filter(|(.., is_open)| *is_open) {
            let rule = format!("network/albIngress{name}");
            add_rule(
                context,
                &Rule::into(&group, &rule, port, Peer::Range(ANYWHERE)),
            );
        }
        if platform.services.is_some() {
            for port in &exposed {
                let rule = format!("network/albEgress{port}");
                let peer = Peer::Group(services(&stack));
                add_rule(context, &Rule::out_of(&group, &rule, Some(*port), peer));
            }
        }
    }
    if platform.services.is_some() {
        let group = services(&stack);
        add_group(
            context,
            &group,
            "The services: traffic from the load balancer alone",
        );
        if platform.load_balancer.is_some() {
            for port in &exposed {
                let rule = format!("network/ecsIngress{port}");
                let peer = Peer::Group(load_balancer(&stack));
                add_rule(context, &Rule::into(&group, &rule, *port, peer));
            }
        }
        // Services call image registries, AWS and partners' APIs.
        let peer = Peer::Range(ANYWHERE);
        add_rule(
            context,
            &Rule::out_of(&group, "network/ecsEgress", None, peer),
        );
    }
    if let Some(settled) = &platform.database {
        let group = database(&stack);
        add_group(
            context,
            &group,
            "The database: traffic from the services alone",
        );
        if platform.services.is_some() {
            let peer = Peer::Group(services(&stack));
            add_rule(
                context,
                &Rule::into(&group, "network/rdsIngress", settled.port, peer),
            );
        }
    }
}

/// Returns whether the load balancer takes HTTPS: if there is a listener for it, even one under `resources`; and in dev,
/// where a certificate often comes later.
fn opens_https(context: &Context<'_>, platform: &Platform) -> bool {
    let balancer = platform.load_balancer.as_ref();
    context.environment() == Environment::Dev
        || balancer.is_some_and(LoadBalancer::serves_https)
        || raw::has_listener(context.stack, HTTPS)
}

fn add_group(context: &mut Context<'_>, group: &Urn, description: &str) {
    let inputs = properties([
        ("description", description.into()),
        ("vpcId", Value::output(&vpc(&context.id), "id")),
    ]);
    context.add_named(KEY, group.clone(), inputs);
}

/// The other end of a rule.
enum Peer {
    Range(&'static str),
    Group(Urn),
}

struct Rule<'a> {
    token: &'static str,
    name: &'a str,
    group: &'a Urn,
    /// The port; `None` for all ports and protocols.
    port: Option<u16>,
    peer: Peer,
}

impl<'a> Rule<'a> {
    fn into(group: &'a Urn, name: &'a str, port: u16, peer: Peer) -> Self {
        Self {
            token: INGRESS,
            name,
            group,
            port: Some(port),
            peer,
        }
    }

    fn out_of(group: &'a Urn, name: &'a str, port: Option<u16>, peer: Peer) -> Self {
        Self {
            token: EGRESS,
            name,
            group,
            port,
            peer,
        }
    }
}

fn add_rule(context: &mut Context<'_>, rule: &Rule<'_>) {
    let mut inputs = properties([("securityGroupId", Value::output(rule.group, "id"))]);
    let mut set = |name: &str, value: Value| inputs.insert(name.to_owned(), value);
    match rule.port {
        Some(port) => {
            set("ipProtocol", "tcp".into());
            set("fromPort", u32::from(port).into());
            set("toPort", u32::from(port).into());
        }
        None => {
            set("ipProtocol", "-1".into());
        }
    }
    match &rule.peer {
        Peer::Range(range) => set("cidrIpv4", (*range).into()),
        Peer::Group(group) => set("referencedSecurityGroupId", Value::output(group, "id")),
    };
    let urn = context.urn(rule.token, rule.name);
    context.add(KEY, urn, inputs);
}

#[cfg(test)]
mod tests {
    use crate::component::expand;
    use crate::component::testing::{catalog, load, render};

    /// The ports on which the load balancer of a stack takes traffic.
    fn ports(environment: &str, balancer: &str, resources: &str) -> Vec<String> {
        let text = format!(
            "name: shop\nenvironment: {environment}\nregion: eu-south-2\nnetwork: {{}}\n\
             services: {{ web: {{ port: 3000 }} }}\nloadBalancer: {balancer}\nresources: {resources}\n"
        );
        let stack = load(&[("stacks/file.yaml", &text)], &[]).unwrap();
        let made = render(&expand(&stack, &catalog()).unwrap());
        let mut lines = made.lines();
        let mut ports = Vec::new();
        while let Some(line) = lines.next() {
            if line.starts_with("network/albIngress") {
                let port = lines.find_map(|line| line.strip_prefix("  fromPort: "));
                ports.extend(port.map(str::to_owned));
            }
        }
        ports
    }

    #[test]
    fn https_comes_in_where_something_listens_for_it() {
        let certified = "{ certificateArn: \"arn:aws:acm:eu-south-2:123456789012:certificate/x\" }";
        let listener = |port: &str| {
            format!(
                "{{ own: {{ type: aws:lb:Listener, properties: {{ loadBalancerArn: '${{loadBalancer.arn}}', port: {port}, \
                 defaultActions: [{{ type: forward, targetGroupArn: '${{loadBalancer/web/targetGroup.arn}}' }}] }} }} }}"
            )
        };
        for environment in ["staging", "prod"] {
            assert_eq!(ports(environment, "{}", "{}"), ["80"]);
            assert_eq!(ports(environment, certified, "{}"), ["80", "443"]);
            assert_eq!(ports(environment, "{}", &listener("443")), ["80", "443"]);
            assert_eq!(ports(environment, "{}", &listener("8443")), ["80"]);
        }
        assert_eq!(ports("dev", "{}", "{}"), ["80", "443"]);
    }
}
