//! The resources of `loadBalancer:` that more than one file speaks of.

use crate::component::key::SectionKey;
use crate::resource::{StackId, Urn};

/// The key of the section.
pub const KEY: &str = SectionKey::LoadBalancer.as_str();

/// The load balancer.
pub fn load_balancer(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:lb:LoadBalancer", "loadBalancer/alb")
}

/// The target group of a service.
pub fn target_group(stack: &StackId, service: &str) -> Urn {
    let name = format!("loadBalancer/{service}/targetGroup");
    Urn::new(stack, "aws:lb:TargetGroup", name)
}

pub fn http_listener(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:lb:Listener", "loadBalancer/httpListener")
}

pub fn https_listener(stack: &StackId) -> Urn {
    Urn::new(stack, "aws:lb:Listener", "loadBalancer/httpsListener")
}
