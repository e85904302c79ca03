"""Elastic Load Balancing v2: idempotent creates, refusals, defaults that AWS fills in, full conditions and actions."""

import re

from moto.ec2.utils import random_public_ip
from moto.elbv2.exceptions import (
    DuplicateListenerError,
    DuplicateLoadBalancerName,
    DuplicateTargetGroupName,
    ELBClientError,
    LoadBalancerNotFoundError,
    PriorityInUseError,
    SubnetNotFoundError,
)
from moto.elbv2.models import (
    ELBv2Backend,
    FakeAction,
    FakeListener,
    FakeLoadBalancer,
    FakeTargetGroup,
    elbv2_backends,
)
from moto.elbv2.responses import ELBV2Response
from moto.s3.models import s3_backends

import interfaces
from patching import replace, tag_dict


def refuse(code, message):
    raise ELBClientError(code, message)


# Load balancers

# The answer of DescribeLoadBalancerAttributes for an Application Load Balancer with default settings.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#load-balancer-attributes
APPLICATION_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}


@replace(ELBv2Backend, "create_load_balancer")
def create_load_balancer(original, self, **named):
    """The same settings return the existing one, other settings are refused; subnets must exist and lie in two zones.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
    """
    named["scheme"] = named.get("scheme") or "internet-facing"
    kind = named.get("loadbalancer_type") or "application"
    wanted = list(named.get("subnet_ids") or []) + [
        mapping["SubnetId"] for mapping in named.get("subnet_mappings") or []
    ]
    subnets = known_subnets(self, wanted)
    if kind == "application" and len({subnet.availability_zone for subnet in subnets}) < 2:
        refuse("ValidationError", "At least two subnets in two different Availability Zones must be specified")
    groups = list(named.get("security_groups") or [])
    if kind == "application" and not groups:
        groups = [self.ec2_backend.get_default_security_group(subnets[0].vpc_id).id]
        named["security_groups"] = groups
    known_groups(self, groups)
    for existing in self.load_balancers.values():
        if existing.name != named["name"]:
            continue
        same = (
            existing.scheme == named["scheme"]
            and existing.type == kind
            and existing.ip_address_type == named.get("ip_address_type", "ipv4")
            and sorted(subnet.id for subnet in existing.subnets) == sorted(wanted)
            and sorted(existing.security_groups) == sorted(groups)
            and self.tagging_service.get_tag_dict_for_resource(existing.arn) == tag_dict(named.get("tags"))
        )
        if same:
            return existing
        raise DuplicateLoadBalancerName()
    balancer = original(self, **named)
    if kind == "application":
        balancer.attrs = dict(APPLICATION_ATTRIBUTES)
    connect(self, balancer)
    return balancer


def connect(backend, balancer):
    """One interface in each subnet, with a public address when the load balancer faces the internet."""
    disconnect(backend, balancer)
    for subnet in balancer.subnets:
        interface = interfaces.attach(
            backend.ec2_backend, subnet.id, balancer.security_groups or [], described_as(balancer), "amazon-elb"
        )
        if interface is not None and balancer.scheme == "internet-facing":
            interface.public_ip = random_public_ip()


def disconnect(backend, balancer):
    mine = interfaces.of_description(backend.ec2_backend, described_as(balancer))
    interfaces.detach(backend.ec2_backend, [interface.id for interface in mine])


def described_as(balancer):
    return f"ELB {balancer.arn.split(':loadbalancer/')[-1]}"


@replace(ELBv2Backend, "set_subnets")
def set_subnets(original, self, arn, *arguments, **named):
    zones = original(self, arn, *arguments, **named)
    connect(self, self.load_balancers[arn])
    return zones


@replace(ELBv2Backend, "set_security_groups")
def set_security_groups(original, self, arn, *arguments, **named):
    original(self, arn, *arguments, **named)
    connect(self, self.load_balancers[arn])


def known_subnets(backend, ids):
    subnets = {subnet.id: subnet for zone in backend.ec2_backend.subnets.values() for subnet in zone.values()}
    if any(identifier not in subnets for identifier in ids):
        raise SubnetNotFoundError()
    return [subnets[identifier] for identifier in ids]


def known_groups(backend, ids):
    for identifier in ids:
        if backend.ec2_backend.get_security_group_from_id(identifier) is None:
            refuse("InvalidSecurityGroup", f"The security group '{identifier}' does not exist")


@replace(ELBv2Backend, "describe_load_balancers")
def describe_load_balancers(_original, self, arns, names):
    """Each ARN and each name must be found; moto repeats the last match instead."""
    balancers = list(self.load_balancers.values())
    for balancer in balancers:
        balancer.activate()
    if not arns and not names:
        return balancers
    found = [balancer for balancer in balancers if balancer.arn in (arns or []) or balancer.name in (names or [])]
    if len(found) < len(set(arns or [])) + len(set(names or [])):
        raise LoadBalancerNotFoundError()
    return found


@replace(ELBv2Backend, "modify_load_balancer_attributes")
def modify_load_balancer_attributes(original, self, arn, attrs):
    """Access logs are switched on only when the bucket takes them: AWS writes a test file at once.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    balancer = self.load_balancers.get(arn)
    after = {**balancer.attrs, **attrs} if balancer is not None else attrs
    if str(after.get("access_logs.s3.enabled", "false")).lower() == "true":
        name = after.get("access_logs.s3.bucket")
        bucket = s3_backends[self.account_id][self.partition].buckets.get(name)
        if bucket is None or bucket.policy is None:
            refuse(
                "InvalidConfigurationRequest",
                f"Access Denied for bucket: {name}. Please check S3bucket permission",
            )
    return original(self, arn, attrs)


@replace(ELBv2Backend, "delete_load_balancer")
def delete_load_balancer(original, self, arn):
    """Refused under deletion protection; listeners, rules, their tags and a web ACL's association go with it."""
    balancer = self.load_balancers.get(arn)
    if balancer is None:
        return original(self, arn)
    if str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
        refuse(
            "OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        )
    for listener in list(balancer.listeners.values()):
        forget_tags(self, listener)
    disconnect(self, balancer)
    self.tagging_service.delete_all_tags_for_resource(arn)
    from moto.wafv2.models import wafv2_backends

    wafv2_backends[self.account_id][self.region_name].disassociate_web_acl(arn)
    return original(self, arn)


def forget_tags(backend, listener):
    for rule_arn in listener._non_default_rules:
        backend.tagging_service.delete_all_tags_for_resource(rule_arn)
    backend.tagging_service.delete_all_tags_for_resource(listener.arn)


# Target groups


def arns_of_users(group):
    """The load balancers whose listeners or rules forward here now; moto only ever adds to its own list."""
    backend = elbv2_backends[group.account_id][group.region_name]
    return [
        balancer.arn
        for balancer in backend.load_balancers.values()
        if any(
            group.arn in backend._get_target_group_arns_from(action.data)
            for listener in balancer.listeners.values()
            for rule in listener.rules.values()
            for action in rule.actions
        )
    ]


FakeTargetGroup.load_balancer_arns = property(arns_of_users, lambda group, value: None)


@replace(ELBv2Backend, "create_target_group")
def create_target_group(original, self, name, **named):
    """The same settings return the existing one; other settings are refused.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    """
    existing = next((group for group in self.target_groups.values() if group.name == name), None)
    if existing is None:
        group = original(self, name, **named)
        if group.protocol in ("HTTP", "HTTPS"):
            group.attributes.update(
                {
                    "load_balancing.algorithm.anomaly_mitigation": "off",
                    "stickiness.app_cookie.cookie_name": "",
                    "stickiness.app_cookie.duration_seconds": "86400",
                    "stickiness.lb_cookie.duration_seconds": "86400",
                    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
                    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
                    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
                    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
                }
            )
            group.attributes.pop("waf.fail_open.enabled", None)
        return group
    asked = {
        "vpc_id": existing.vpc_id,
        "protocol": existing.protocol,
        "port": existing.port,
        "target_type": existing.target_type,
        "healthcheck_protocol": existing.health_check_protocol,
        "healthcheck_port": existing.health_check_port,
        "healthcheck_path": existing.health_check_path,
        "healthcheck_interval_seconds": existing.health_check_interval_seconds,
        "healthcheck_timeout_seconds": existing.health_check_timeout_seconds,
        "healthy_threshold_count": existing.healthy_threshold_count,
        "unhealthy_threshold_count": existing.unhealthy_threshold_count,
    }
    same = all(named.get(key) is None or str(named[key]) == str(value) for key, value in asked.items())
    tags = self.tagging_service.get_tag_dict_for_resource(existing.arn)
    if same and tags == tag_dict(named.get("tags")):
        return existing
    raise DuplicateTargetGroupName()


@replace(ELBv2Backend, "delete_target_group")
def delete_target_group(original, self, target_group_arn):
    group = original(self, target_group_arn)
    self.tagging_service.delete_all_tags_for_resource(target_group_arn)
    return group


@replace(FakeTargetGroup, "health_for")
def health_for(original, self, target, ec2_backend):
    """A target may carry a health of its own: tasks of a service that never becomes healthy do."""
    status = original(self, target, ec2_backend)
    health = self.targets.get(target["Id"], {}).get("Health")
    if health:
        status.status, status.reason, status.description = health
    return status


def serves_one(backend, balancer_arn, actions):
    """A target group serves one load balancer at a time: hashicorp/terraform-provider-aws#22005, #7581.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
    """
    groups = [arn for action in actions or [] for arn in backend._get_target_group_arns_from(action)]
    taken = [
        arn
        for arn in groups
        if arn in backend.target_groups
        and any(user != balancer_arn for user in backend.target_groups[arn].load_balancer_arns)
    ]
    if taken:
        refuse(
            "TargetGroupAssociationLimit",
            "The following target groups cannot be associated with more than one load balancer: " + ", ".join(taken),
        )


def balancer_of(arn):
    """The load balancer of a listener or of a rule, by the ARN: `…:listener/app/NAME/A/B`."""
    account, path = re.split(":listener(?:-rule)?/", arn, maxsplit=1)
    return f"{account}:loadbalancer/{'/'.join(path.split('/')[:3])}"


# Listeners


@replace(FakeAction, "__init__")
def new_action(original, self, data):
    """AWS completes actions: a forward shows both of its forms, a redirect all of its parts, each its place.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html
    """
    match data.get("Type"):
        case "forward":
            forward = data.get("ForwardConfig")
            if not forward and data.get("TargetGroupArn"):
                data["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": data["TargetGroupArn"]}]}
            groups = data.get("ForwardConfig", {}).get("TargetGroups", [])
            if len(groups) == 1:
                data["TargetGroupArn"] = groups[0]["TargetGroupArn"]
        case "redirect":
            redirect = data.setdefault("RedirectConfig", {})
            for key, value in (
                ("Protocol", "#{protocol}"),
                ("Port", "#{port}"),
                ("Host", "#{host}"),
                ("Path", "/#{path}"),
                ("Query", "#{query}"),
            ):
                redirect.setdefault(key, value)
        case "fixed-response":
            data.get("FixedResponseConfig", {}).setdefault("ContentType", "text/plain")
    data.setdefault("Order", 1)
    original(self, data)


@replace(FakeListener, "__init__")
def new_listener(original, self, *arguments, **named):
    """Only TLS listeners have a security policy; moto shows one on HTTP, too."""
    original(self, *arguments, **named)
    if self.protocol not in ("HTTPS", "TLS"):
        self.ssl_policy = None
    self.attributes = (
        {"routing.http.response.server.enabled": "true"} if self.protocol in ("HTTP", "HTTPS") else self.attributes
    )


FakeListener.rules = property(
    lambda listener: {
        **dict(sorted(listener._non_default_rules.items(), key=lambda entry: int(entry[1].priority))),
        **listener._default_rule,
    }
)


@replace(ELBv2Backend, "create_listener")
def create_listener(original, self, **named):
    """A port is taken once: the same settings return the existing listener, other settings are refused.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
    """
    balancer = self.load_balancers.get(named["load_balancer_arn"])
    serves_one(self, named["load_balancer_arn"], named["actions"])
    if (named.get("protocol") or "").upper() in ("HTTPS", "TLS"):
        if not named.get("certificate"):
            refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
        if not self._certificate_exists(certificate_arn=named["certificate"]):
            refuse("CertificateNotFound", f"Certificate ARN '{named['certificate']}' is not valid")
    for existing in balancer.listeners.values() if balancer is not None else ():
        if str(existing.port) != str(named["port"]):
            continue
        wanted = [FakeAction(action).data for action in named["actions"]]
        same = (
            existing.protocol == named["protocol"]
            and existing.certificate == named.get("certificate")
            and [action.data for action in existing.default_actions] == wanted
            and self.tagging_service.get_tag_dict_for_resource(existing.arn) == tag_dict(named.get("tags"))
        )
        if same:
            return existing
        raise DuplicateListenerError()
    return original(self, **named)


@replace(ELBv2Backend, "modify_listener")
def modify_listener(original, self, arn, *arguments, **named):
    """A listener that turns to HTTP loses certificate and policy."""
    actions = named["actions"] if "actions" in named else arguments[4]
    serves_one(self, balancer_of(arn), actions)
    listener = original(self, arn, *arguments, **named)
    if listener.protocol == "HTTP":
        listener.ssl_policy = None
        listener.certificate = None
        listener.certificates = []
    return listener


@replace(ELBv2Backend, "delete_listener")
def delete_listener(original, self, listener_arn):
    listener = original(self, listener_arn)
    forget_tags(self, listener)
    return listener


# Rules


def completed(conditions):
    """`Values` and the form with a name of its own are both returned, whichever was sent."""
    for condition in conditions:
        form = {"path-pattern": "PathPatternConfig", "host-header": "HostHeaderConfig"}.get(condition.get("Field"))
        if form is None:
            continue
        values = condition.get("Values") or condition.get(form, {}).get("Values", [])
        condition["Values"] = list(values)
        condition[form] = {"Values": list(values)}
    return conditions


# The limits of one rule: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html. Some
# older accounts take six wildcards: awsdocs/elb-application-load-balancers-user-guide#32.
MOST_VALUES = 5
MOST_WILDCARDS = 5


def within_limits(conditions):
    """Values and wildcards of all conditions together. The words of the first refusal are those of
    aws-cloudformation/cfn-lint#3833; those of the second follow them."""
    values, patterns = [], []
    for condition in conditions or []:
        field = condition.get("Field")
        configured = [value for name, config in condition.items() if name.endswith("Config") for value in config.get("Values", [])]
        found = [value["Value"] if isinstance(value, dict) else value for value in configured or condition.get("Values", [])]
        values += found
        if field not in ("http-request-method", "source-ip"):
            patterns += found
    if len(values) > MOST_VALUES:
        refuse("ValidationError", f"A rule can only have '{MOST_VALUES}' condition values")
    if sum(pattern.count("*") + pattern.count("?") for pattern in patterns) > MOST_WILDCARDS:
        refuse("ValidationError", f"A rule can only have '{MOST_WILDCARDS}' condition wildcards")


@replace(ELBv2Backend, "create_rule")
def create_rule(original, self, listener_arn, conditions, priority, actions, **named):
    within_limits(conditions)
    serves_one(self, balancer_of(listener_arn), actions)
    rule = original(self, listener_arn, conditions, priority, actions, **named)
    completed(rule.conditions)
    return rule


@replace(ELBv2Backend, "modify_rule")
def modify_rule(original, self, rule_arn, conditions, actions):
    within_limits(conditions)
    serves_one(self, balancer_of(rule_arn), actions)
    rule = original(self, rule_arn, conditions, actions)
    completed(rule.conditions)
    return rule


@replace(ELBv2Backend, "set_rule_priorities")
def set_rule_priorities(_original, self, rule_priorities):
    """Only the new order must be free of conflicts: rules may trade places, and a rule may keep its own.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html
    """
    wanted = {pair["RuleArn"]: pair["Priority"] for pair in rule_priorities}
    rules = self.describe_rules(listener_arn=None, rule_arns=list(wanted))
    for listener in self.describe_listeners(None, list({rule.listener_arn for rule in rules})):
        after = [wanted.get(rule.arn, rule.priority) for rule in listener.rules.values()]
        if len({str(priority) for priority in after}) < len(after):
            raise PriorityInUseError()
    for rule in rules:
        rule.priority = wanted[rule.arn]
    return rules


@replace(ELBv2Backend, "delete_rule")
def delete_rule(original, self, arn):
    """A rule that is not there is an error."""
    self.describe_rules(listener_arn=None, rule_arns=[arn])
    original(self, arn)
    self.tagging_service.delete_all_tags_for_resource(arn)


# Pages and tags


def asked_page_size(original, self):
    """The default page is 400, AWS's maximum; moto's is 50.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
    """
    if self._get_param("PageSize") is None:
        self.params["PageSize"] = 400
    return original(self)


replace(ELBV2Response, "describe_load_balancers")(asked_page_size)
replace(ELBV2Response, "describe_rules")(asked_page_size)


@replace(ELBv2Backend, "add_tags")
def add_tags(_original, self, resource_arns, tags):
    """The limit is 50 tags; moto's is 10."""
    for arn in resource_arns:
        self._get_resource_by_arn(arn)
        merged = {**self.tagging_service.get_tag_dict_for_resource(arn), **tag_dict(tags)}
        if len(merged) > 50:
            refuse("TooManyTags", "You've reached the limit on the number of tags for this resource")
        self.tagging_service.tag_resource(arn, tags)


@replace(ELBv2Backend, "describe_tags")
def describe_tags(original, self, resource_arns):
    """At most 20 ARNs a call, and each must exist."""
    if len(resource_arns) > 20:
        refuse("ValidationError", "Member must have length less than or equal to 20")
    for arn in resource_arns:
        self._get_resource_by_arn(arn)
    return original(self, resource_arns)


FakeLoadBalancer.VALID_ATTRS |= {"health_check_logs.s3.bucket", "health_check_logs.s3.prefix"}
