//! WAF web ACLs.
