//! Application load balancers.
