"""Security group rules: every kind of peer has its description, and everything but group and direction can be changed.

moto keeps a description for address ranges alone, changes IPv4 ranges alone, never takes a description away, and takes
two rules that differ in description alone for two rules.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
"""

import re

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    InvalidParameterValue,
    InvalidPermissionDuplicateError,
    InvalidSecurityGroupNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
)
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response

from patch_ec2 import canonical_range
from patching import replace

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


def described(description, of):
    """A description in EC2's alphabet, which has no quotation marks, accents and angle brackets: aws-cloudformation/cfn-lint#173,
    cds-snc/notification-terraform#561."""
    if description and not DESCRIPTION.fullmatch(description):
        raise InvalidParameterValue(
            f"Invalid {of} description. Valid descriptions are strings less than 256 characters from the following set:  "
            "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )
    return description


@replace(EC2Backend, "create_security_group")
def create_described_group(original, self, name, description, *arguments, **named):
    return original(self, name, described(description, "security group"), *arguments, **named)


@replace(SecurityGroupRule, "__init__")
def remember_description(original, self, *arguments, **named):
    """Ranges are canonical, too, and the number of a protocol that has a name comes back as the name.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
    """
    original(self, *arguments, **named)
    for key in ("CidrIp", "CidrIpv6"):
        if self.ip_range.get(key):
            self.ip_range = {**self.ip_range, key: canonical_range(self.ip_range[key])}
    protocol = (self.ip_protocol or "-1").lower()
    self.ip_protocol = "icmpv6" if protocol == "58" else protocol
    prefix_list = arguments[7] if len(arguments) > 7 else named.get("prefix_list_id")
    peer = self.ip_range or self.source_group or prefix_list or {}
    self.written_description = described(peer.get("Description"), "rule")


SecurityGroupRule.description = property(lambda self: self.written_description)


def describe(rule, description):
    """Sets a description, or takes it away."""
    rule.written_description = description
    for peer in (rule.ip_range, rule.source_group):
        peer.pop("Description", None)
        if peer and description:
            peer["Description"] = description


def place(rule):
    """The properties that tell a rule from others of its group and direction."""
    ports = None if rule.ip_protocol == "-1" else (rule.from_port, rule.to_port)
    return (
        rule.ip_protocol,
        ports,
        rule.cidr_ipv4,
        rule.cidr_ipv6,
        rule.source_group.get("GroupId"),
        rule.prefix_list_id,
    )


@replace(SecurityGroupRule, "__eq__")
def equal(original, self, other):
    return place(self) == place(other)


def rule_of(group, rule_id):
    rule = group.get_rule(rule_id)
    if rule is None:
        raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
    return rule


def group_of(backend, group_id):
    group = backend.get_security_group_by_name_or_id(group_id)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(group_id)
    return group


@replace(EC2Backend, "modify_security_group_rules")
def modify_security_group_rules(original, self, group_id, rules):
    """The rule is given whole, and the kind of its peer stays.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySecurityGroupRules.html
    """
    group = group_of(self, group_id)
    for rule_id, wanted in rules.items():
        rule = rule_of(group, rule_id)
        described(wanted.get("Description"), "rule")
        ranges = {key: wanted[given] for key, given in (("CidrIp", "CidrIpv4"), ("CidrIpv6", "CidrIpv6")) if given in wanted}
        referenced = [{"GroupId": wanted["ReferencedGroupId"]}] if "ReferencedGroupId" in wanted else []
        prefix_list = {"PrefixListId": wanted["PrefixListId"]} if "PrefixListId" in wanted else None
        if wanted["IpProtocol"] != "-1" and ("FromPort" not in wanted or "ToPort" not in wanted):
            raise InvalidParameterValue(
                "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
            )
        successor = SecurityGroupRule(
            self,
            wanted["IpProtocol"],
            group.id,
            wanted.get("FromPort"),
            wanted.get("ToPort"),
            ranges,
            next(iter(self._add_source_group(referenced, None)), None),
            prefix_list,
            is_egress=rule.is_egress,
        )
        if [bool(part) for part in place(rule)[2:]] != [bool(part) for part in place(successor)[2:]]:
            raise InvalidParameterValue(
                f"Invalid rule type for security group rule '{rule_id}'. You may not change the type of its source or destination."
            )
        siblings = group.egress_rules if rule.is_egress else group.ingress_rules
        if any(other is not rule and other == successor for other in siblings):
            raise InvalidPermissionDuplicateError()
        for field in ("ip_protocol", "from_port", "to_port", "ip_range", "source_group", "prefix_list_id"):
            setattr(rule, field, getattr(successor, field))
        describe(rule, wanted.get("Description"))


def describes_by_id(operation):
    """moto knows the older form of these calls, by permission, and not the one by rule id.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html
    """

    @replace(EC2Response, operation)
    def patched(original, self):
        descriptions = self._get_param("SecurityGroupRuleDescriptions", [])
        if not descriptions:
            return original(self)
        group = group_of(self.ec2_backend, self._get_param("GroupId"))
        for given in descriptions:
            describe(rule_of(group, given["SecurityGroupRuleId"]), described(given.get("Description"), "rule"))
        return ActionResult({"Return": True})


describes_by_id("update_security_group_rule_descriptions_ingress")
describes_by_id("update_security_group_rule_descriptions_egress")


@replace(EC2Response, "create_security_group")
def create_security_group(original, self):
    """moto leaves the tags out of the answer.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html#API_CreateSecurityGroup_ResponseElements
    """
    answer = original(self)
    answer.result["Tags"] = group_of(self.ec2_backend, answer.result["GroupId"]).get_tags()
    return answer
