"""Network interfaces of managed services: the objects that really block the deletion of subnets, groups and gateways on AWS.

moto gives interfaces to NAT gateways and tasks only, and never takes them back. Here every managed service that sits
in a subnet owns interfaces, so that DescribeNetworkInterfaces explains a refused deletion as it does on AWS.
"""

from moto.ec2.models import ec2_backends


def network(backend):
    """The EC2 side of the account and region of any other backend."""
    return ec2_backends[backend.account_id][backend.region_name]


def attach(ec2, subnet_id, group_ids, description, requester, interface_type="interface"):
    """Makes an interface in use; None when the subnet is not there, as services that moto does not check may have none."""
    subnets = {subnet.id: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
    if subnet_id not in subnets:
        return None
    interface = ec2.create_network_interface(
        subnets[subnet_id], None, group_ids=list(group_ids), description=description
    )
    interface.status = "in-use"
    interface.requester_id = requester
    interface.requester_managed = True
    interface.interface_type = interface_type
    return interface


def detach(ec2, interface_ids):
    for identifier in interface_ids:
        ec2.enis.pop(identifier, None)


def of_subnet(ec2, subnet_id):
    return [interface for interface in ec2.enis.values() if interface.subnet.id == subnet_id]


def of_group(ec2, group_id):
    return [interface for interface in ec2.enis.values() if any(group.id == group_id for group in interface._group_set)]


def of_vpc(ec2, vpc_id):
    return [interface for interface in ec2.enis.values() if interface.subnet.vpc_id == vpc_id]


def of_description(ec2, description):
    return [interface for interface in ec2.enis.values() if interface.description == description]
