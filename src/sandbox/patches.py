"""Puts every patch in place: importing one of these modules patches moto."""

import functools

import moto.backends
import moto.core.responses
from moto.moto_server.werkzeug_app import DomainDispatcherApplication


def apply():
    import patch_ec2  # noqa: F401
    import patch_ecs  # noqa: F401
    import patch_elbv2  # noqa: F401
    import patch_flow_logs  # noqa: F401
    import patch_iam  # noqa: F401
    import patch_kms  # noqa: F401
    import patch_monitoring  # noqa: F401
    import patch_pages  # noqa: F401
    import patch_parameters  # noqa: F401
    import patch_queues  # noqa: F401
    import patch_rds  # noqa: F401
    import patch_rds_groups  # noqa: F401
    import patch_rds_offers  # noqa: F401
    import patch_rds_states  # noqa: F401
    import patch_scaling  # noqa: F401
    import patch_security_groups  # noqa: F401
    import patch_storage  # noqa: F401
    import tagging  # noqa: F401

    remember_lookups()


def remember_lookups():
    """moto lists its directories and its methods again for every call, which is half of a call's time.

    Must come last: what is remembered would not see a later patch.
    """
    responses = moto.core.responses
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    modules = tuple(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules
    DomainDispatcherApplication.get_backend_for_host = functools.cache(DomainDispatcherApplication.get_backend_for_host)
