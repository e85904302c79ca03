"""EC2: client tokens, pages, and the refusals that give deletion its order."""

import base64
import ipaddress
import json

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.route_tables import Route
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response
from moto.ec2.utils import generic_filter

import interfaces
from patching import Tokens, notes_of, replace


def refuse(code, message):
    raise EC2ClientError(code, message)


# Ranges


def canonical_range(text):
    """EC2 stores CIDR blocks in their canonical form, with the bits of the host cleared.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html
    """
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text


def canonical_ranges(operation, *positions):
    """Makes the ranges among the arguments of a backend's operation canonical."""

    def patched(original, self, *arguments, **named):
        arguments = list(arguments)
        for position in positions:
            if position < len(arguments) and arguments[position]:
                arguments[position] = canonical_range(arguments[position])
        return original(self, *arguments, **named)

    replace(EC2Backend, operation)(patched)


canonical_ranges("create_vpc", 0)
canonical_ranges("create_subnet", 1)
canonical_ranges("create_route", 1, 2)
canonical_ranges("replace_route", 1, 2)
canonical_ranges("delete_route", 1, 2)


# VPCs


@replace(EC2Backend, "create_vpc")
def create_vpc(original, self, *arguments, **named):
    """The default security group lets everything in that comes from itself; moto's lets nothing in.

    https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
    """
    vpc = original(self, *arguments, **named)
    group = self.get_default_security_group(vpc.id)
    if group is not None and not group.ingress_rules:
        itself = {"GroupId": group.id, "UserId": self.account_id, "OwnerId": self.account_id}
        rule = SecurityGroupRule(self, "-1", group.id, None, None, {}, itself, is_egress=False)
        group.ingress_rules.append(rule)
    return vpc


# Zones


@replace(RegionsAndZonesBackend, "describe_availability_zones")
def describe_availability_zones(original, self, *arguments, **named):
    """Every region has at least three zones; moto knows two or none of some."""
    known = RegionsAndZonesBackend.zones.setdefault(self.region_name, [])
    for letter in "abc":
        name = f"{self.region_name}{letter}"
        if len(known) < 3 and all(zone.name != name for zone in known):
            known.append(Zone(name=name, region_name=self.region_name, zone_id=f"{self.region_name}-az{letter}"))
    return original(self, *arguments, **named)


# Client tokens: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html


def idempotent(operation, key, live):
    """The same token with the same parameters answers with what the first call made, as long as that is there.

    What AWS answers for a token whose resource was deleted since is not documented; here a new one is made.
    """

    def patched(original, self):
        parameters = {name: value for name, value in dict(self._get_params()).items() if name != "DryRun"}
        token = parameters.pop("ClientToken", None)
        fingerprint = json.dumps(parameters, sort_keys=True, default=str)
        tokens = Tokens(self.ec2_backend, operation)

        def mismatch():
            refuse(
                "IdempotentParameterMismatch",
                "The client token has already been used with different request parameters.",
            )

        before = tokens.recall(token, None, mismatch)
        if before is not None and live(self.ec2_backend, before[1].result[key]):
            if before[0] != fingerprint:
                mismatch()
            return before[1]
        result = original(self)
        tokens.remember(token, None, (fingerprint, result))
        return result

    replace(EC2Response, operation)(patched)


idempotent("create_nat_gateway", "NatGateway", lambda ec2, made: made.state != "deleted")
idempotent("create_route_table", "RouteTable", lambda ec2, made: made.id in ec2.route_tables)
idempotent("create_vpc_endpoint", "VpcEndpoint", lambda ec2, made: made.state != "deleted")


# Pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination


def paged(operation, key, identifiers):
    """Honours MaxResults, which moto ignores here; together with ids it is refused, as AWS refuses it."""

    def patched(original, self):
        size = self._get_int_param("MaxResults")
        token = self._get_param("NextToken")
        if size is not None and not 5 <= size <= 1000:
            refuse(
                "InvalidMaxResults",
                f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.",
            )
        if size is not None and self._get_param(identifiers):
            refuse(
                "InvalidParameterCombination",
                f"The parameter {identifiers} cannot be used with the parameter maxResults",
            )
        result = original(self)
        if size is None and token is None:
            return result
        items = list(result.result[key])
        start = int(base64.urlsafe_b64decode(token)) if token else 0
        end = start + (size or 1000)
        result.result[key] = items[start:end]
        if end < len(items):
            result.result["NextToken"] = base64.urlsafe_b64encode(str(end).encode()).decode()
        return result

    replace(EC2Response, operation)(patched)


paged("describe_vpcs", "Vpcs", "VpcIds")
paged("describe_subnets", "Subnets", "SubnetIds")
paged("describe_route_tables", "RouteTables", "RouteTableIds")
paged("describe_internet_gateways", "InternetGateways", "InternetGatewayIds")
paged("describe_nat_gateways", "NatGateways", "NatGatewayIds")
paged("describe_security_groups", "SecurityGroups", "GroupIds")
paged("describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleIds")
paged("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceIds")
paged("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointIds")


# NAT gateways


@replace(EC2Backend, "create_nat_gateway")
def create_nat_gateway(original, self, subnet_id, allocation_id, tags=None, connectivity_type="public"):
    """A public gateway needs an address that nothing uses, and a way out of the VPC.

    https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
    """
    subnet = self.get_subnet(subnet_id)
    connectivity_type = connectivity_type or "public"
    if connectivity_type != "private":
        if not allocation_id:
            refuse(
                "MissingParameter",
                "The request must include the AllocationId parameter. Add the required parameter and retry the request.",
            )
        address = self.address_by_allocation([allocation_id])[0]
        if address.association_id:
            refuse(
                "Resource.AlreadyAssociated",
                f"resource {allocation_id} is already associated with {address.association_id}",
            )
        if all(gateway.vpc is None or gateway.vpc.id != subnet.vpc_id for gateway in self.internet_gateways.values()):
            refuse("Gateway.NotAttached", f"Network {subnet.vpc_id} has no Internet gateway attached")
    gateway = original(self, subnet_id, allocation_id, tags, connectivity_type)
    gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
    gateway._eni.status = "in-use"
    gateway._eni.requester_managed = True
    gateway._eni.interface_type = "nat_gateway"
    gateway._eni._group_set = []
    return gateway


@replace(EC2Backend, "delete_nat_gateway")
def delete_nat_gateway(original, self, nat_gateway_id):
    """Gives its address and its interface back, and stays listed as deleted."""
    if nat_gateway_id not in self.nat_gateways:
        refuse("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")
    gateway = original(self, nat_gateway_id)
    for address in self.addresses:
        if address.eni is gateway._eni:
            self.disassociate_address(association_id=address.association_id)
    interfaces.detach(self, [gateway._eni.id])
    return gateway


@replace(EC2Backend, "describe_nat_gateways")
def describe_nat_gateways(original, self, filters, nat_gateway_ids):
    """An unknown id is an error, and tags filter; moto ignores both."""
    for identifier in nat_gateway_ids or []:
        if identifier not in self.nat_gateways:
            refuse("NatGatewayNotFound", f"The Nat Gateway {identifier} was not found")
    found = original(self, filters, nat_gateway_ids)
    by_tag = {name: value for name, value in (filters or {}).items() if name.startswith("tag")}
    return generic_filter(by_tag, found) if by_tag else found


# Deletions that AWS refuses: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html


def dependent(kind, identifier):
    raise DependencyViolationError(f"The {kind} '{identifier}' has dependencies and cannot be deleted.")


@replace(EC2Backend, "delete_subnet")
def delete_subnet(original, self, subnet_id):
    """Refused while any interface is in it: NAT gateway, load balancer, database, task."""
    if interfaces.of_subnet(self, subnet_id):
        dependent("subnet", subnet_id)
    self.get_subnet(subnet_id)
    for table in self.route_tables.values():
        for association, target in list(table._associations.items()):
            if target == subnet_id:
                # An association goes with its subnet.
                del table._associations[association]
    return original(self, subnet_id)


@replace(EC2Backend, "delete_security_group")
def delete_security_group(original, self, name=None, group_id=None):
    """Refused while an interface has it, or a rule of another group names it."""
    group = self.get_security_group_from_id(group_id) if group_id else None
    if group is not None:
        others = (other for groups in self.groups.values() for other in groups.values() if other.id != group_id)
        named = any(
            (rule.source_group or {}).get("GroupId") == group_id
            for other in others
            for rule in other.ingress_rules + other.egress_rules
        )
        if named or interfaces.of_group(self, group_id):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        for rule in group.ingress_rules + group.egress_rules:
            self.tags.pop(rule.id, None)
    return original(self, name, group_id)


@replace(EC2Backend, "release_address")
def release_address(original, self, address=None, allocation_id=None):
    """An address in use must be disassociated first.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
    """
    found = self.address_by_allocation([allocation_id]) if allocation_id else self.address_by_ip([address])
    if found[0].association_id:
        refuse("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
    self.tags.pop(found[0].id, None)
    return original(self, address, allocation_id)


@replace(EC2Backend, "attach_internet_gateway")
def attach_internet_gateway(original, self, internet_gateway_id, vpc_id):
    """A VPC takes one gateway; a second one is refused in these words.

    https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
    """
    for gateway in self.internet_gateways.values():
        if gateway.vpc and gateway.vpc.id == vpc_id and gateway.id != internet_gateway_id:
            refuse("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
    return original(self, internet_gateway_id, vpc_id)


@replace(EC2Backend, "detach_internet_gateway")
def detach_internet_gateway(original, self, internet_gateway_id, vpc_id):
    """Refused while anything in the VPC has a public address: NAT gateways, internet-facing load balancers."""
    if any(interface.public_ip for interface in interfaces.of_vpc(self, vpc_id)):
        raise DependencyViolationError(
            f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        )
    return original(self, internet_gateway_id, vpc_id)


@replace(EC2Backend, "delete_vpc")
def delete_vpc(original, self, vpc_id):
    """Refused while anything but its own default group and main route table is in it."""
    self.get_vpc(vpc_id)
    groups = [group for group in self.groups[vpc_id].values() if group.name != "default"]
    gateways = [gateway for gateway in self.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
    endpoints = [
        endpoint
        for endpoint in self.vpc_end_points.values()
        if endpoint.vpc_id == vpc_id and endpoint.state != "deleted"
    ]
    if groups or gateways or endpoints or interfaces.of_vpc(self, vpc_id):
        dependent("vpc", vpc_id)
    return original(self, vpc_id)


@replace(EC2Backend, "delete_route_table")
def delete_route_table(original, self, route_table_id):
    """The main table goes with its VPC only."""
    table = self.get_route_table(route_table_id)
    if table.main_association_id and len(self.describe_route_tables(filters={"vpc-id": table.vpc_id})) > 1:
        dependent("routeTable", route_table_id)
    return original(self, route_table_id)


@replace(EC2Backend, "associate_route_table")
def associate_route_table(original, self, route_table_id, gateway_id=None, subnet_id=None):
    """A subnet has one table; the association with the same table is repeated, another one is refused.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html
    """
    if subnet_id is not None:
        for table in self.route_tables.values():
            for association, target in table._associations.items():
                if target == subnet_id and table.id != route_table_id:
                    refuse(
                        "Resource.AlreadyAssociated",
                        f"the specified association for route table {route_table_id} conflicts with an existing association {association}",
                    )
    return original(self, route_table_id, gateway_id, subnet_id)


@replace(EC2Backend, "create_route")
def create_route(original, self, route_table_id, *arguments, **named):
    """The target must be there, and a gateway must be attached to the table's VPC; moto makes a route to nothing."""
    nat = named.get("nat_gateway_id")
    if nat is not None and (nat not in self.nat_gateways or self.nat_gateways[nat].state == "deleted"):
        refuse("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat}' does not exist")
    gateway = named.get("gateway_id")
    if gateway and gateway.startswith("igw-"):
        attached = self.get_internet_gateway(gateway).vpc
        table = self.get_route_table(route_table_id)
        if attached is None or attached.id != table.vpc_id:
            refuse(
                "InvalidParameterValue",
                f"route table {route_table_id} and network gateway {gateway} belong to different networks",
            )
    return original(self, route_table_id, *arguments, **named)


def route_state(route):
    """A route whose target has gone stays, as a black hole."""
    gateway = route.gateway
    gone = (route.nat_gateway is not None and route.nat_gateway.state == "deleted") or (
        isinstance(gateway, InternetGateway) and gateway.vpc is None
    )
    return "blackhole" if gone else "active"


Route.state = property(route_state)


@replace(EC2Backend, "delete_vpc_endpoints")
def delete_vpc_endpoints(original, self, vpce_ids=None):
    """Only the routes that are still there go; moto fails on a table that was taken from the endpoint before."""
    for identifier in vpce_ids or []:
        endpoint = self.vpc_end_points.get(identifier)
        if endpoint is not None:
            prefix_list = endpoint.destination_prefix_list_id
            endpoint.route_table_ids = [
                table
                for table in endpoint.route_table_ids or []
                if table in self.route_tables
                and any(route.destination_prefix_list_id == prefix_list for route in self.route_tables[table].routes)
            ]
            endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"
    return original(self, vpce_ids)


@replace(NetworkInterface, "__init__")
def new_interface(original, self, ec2_backend, subnet, private_ip_address, *arguments, **named):
    """An address out of the subnet, which two interfaces never share."""
    if not private_ip_address:
        network = subnet if not isinstance(subnet, str) else ec2_backend.get_subnet(subnet)
        counters = notes_of(ec2_backend, "next_address")
        # The first four addresses of a subnet belong to AWS.
        counters[network.id] = counters.get(network.id, 3) + 1
        usable = network.cidr.num_addresses - 5
        private_ip_address = str(network.cidr.network_address + 4 + (counters[network.id] - 4) % max(usable, 1))
    original(self, ec2_backend, subnet, private_ip_address, *arguments, **named)
